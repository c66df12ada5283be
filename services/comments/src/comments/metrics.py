"""What `/metrics` says of comments."""

from chassis.telemetry import Telemetry
from comments.intake import Intake
from comments.questions import Questions, Turns
from comments.relay import Relay
from comments.upkeep import Upkeep
from comments.writer import Writer
from events.replay import ReplayRequest


def observe(
    telemetry: Telemetry,
    writer: Writer,
    relay: Relay,
    upkeep: Upkeep,
    pages: Questions[ReplayRequest],
    turns: Turns,
) -> None:
    figures = relay.figures
    say = telemetry.observe
    say("parley.commands", "1", "Commands written to the log or refused", lambda: writer.commands)
    say("parley.batches", "1", "Transactions they took", lambda: writer.batches)
    say("parley.waiting", "1", "Commands that wait to be written", lambda: writer.depth, kind="gauge")
    say("parley.relay.published", "1", "Events the stream confirmed", lambda: figures.published)
    say("parley.relay.failures", "1", "Publishes it did not confirm", lambda: figures.failures)
    say("parley.relay.refilled", "1", "Events the stream had lost", lambda: upkeep.refilled)
    say("parley.outbox.size", "1", "Events that wait for it", lambda: figures.outbox_size, kind="gauge")
    say("parley.outbox.age", "s", "Age of the oldest of them", lambda: figures.outbox_age, kind="gauge")
    say("parley.replay.pages", "1", "Pages of the log that were asked for", lambda: pages.served)
    say("parley.replay.waiting", "1", "Requests for pages that wait", lambda: turns.waiting, kind="gauge")
    say("parley.replay.turned_away", "1", "Requests that were not read", lambda: turns.turned_away)


def observe_receipts(telemetry: Telemetry, intake: Intake, questions: Turns) -> None:
    say = telemetry.observe
    say("parley.receipts.taken", "1", "Messages of receipts that were written", lambda: intake.taken)
    say("parley.receipts.moved", "1", "Watermarks that they moved", lambda: intake.moved)
    say("parley.receipts.age", "s", "Age of the oldest when it was written", lambda: intake.age, "gauge")
    say("parley.questions.waiting", "1", "Questions that wait", lambda: questions.waiting, "gauge")
    say("parley.questions.turned_away", "1", "Questions not read", lambda: questions.turned_away)
