"""What notifications say beside what people wrote, by language. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrases:
    """Of one language; the braces are filled in."""

    new: str
    """The title where a room has none."""
    new_in: str
    """With the `{room}`'s title."""
    one: str
    many: str
    """How many messages there are, where it is not shown who wrote what: one; or `{count}`."""
    one_more: str
    more: str
    """How many there are beside the shown one: one; or `{count}`."""

    def messages(self, count: int) -> str:
        return self.one if count == 1 else self.many.format(count=count)

    def others(self, count: int) -> str:
        return self.one_more if count == 1 else self.more.format(count=count)


ENGLISH = Phrases(
    new="New message",
    new_in="New message in {room}",
    one="1 new message",
    many="{count} new messages",
    one_more="(+1 more)",
    more="(+{count} more)",
)

LANGUAGES: Mapping[str, Phrases] = {
    "en": ENGLISH,
    "de": Phrases(
        new="Neue Nachricht",
        new_in="Neue Nachricht in {room}",
        one="1 neue Nachricht",
        many="{count} neue Nachrichten",
        one_more="(+1 weitere)",
        more="(+{count} weitere)",
    ),
    "fr": Phrases(
        new="Nouveau message",
        new_in="Nouveau message dans {room}",
        one="1 nouveau message",
        many="{count} nouveaux messages",
        one_more="(+1 autre)",
        more="(+{count} autres)",
    ),
    "es": Phrases(
        new="Mensaje nuevo",
        new_in="Mensaje nuevo en {room}",
        one="1 mensaje nuevo",
        many="{count} mensajes nuevos",
        one_more="(+1 más)",
        more="(+{count} más)",
    ),
    "pt": Phrases(
        new="Nova mensagem",
        new_in="Nova mensagem em {room}",
        one="1 nova mensagem",
        many="{count} novas mensagens",
        one_more="(+1 outra)",
        more="(+{count} outras)",
    ),
    "it": Phrases(
        new="Nuovo messaggio",
        new_in="Nuovo messaggio in {room}",
        one="1 nuovo messaggio",
        many="{count} nuovi messaggi",
        one_more="(+1 altro)",
        more="(+{count} altri)",
    ),
}


def phrases(locale: str | None) -> Phrases:
    """Of a BCP 47 tag's language, whatever follows it; Android writes `_` between them. Else English."""
    language = (locale or "").replace("_", "-").partition("-")[0]
    return LANGUAGES.get(language.lower(), ENGLISH)
