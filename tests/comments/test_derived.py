"""What is kept beside the projections: `log verify` finds where it is wrong."""

import pytest
from operated import Operated

AT = 'where "offset" = '
SET = "update comments.comments set"
MENTIONED = '[{"user": "u9", "start": 7, "end": 10}]'
BROKEN_DERIVED = [
    (f"{SET} mentions = '[]' {AT} 17", "offset 17", "mentions is [], the log says [{'user': 'u9', 'st"),
    (f"{SET} mentions = '{{}}' {AT} 17", "offset 17", "mentions is {}, the log says [{'user'"),
    (f"{SET} mentions = '{MENTIONED}' {AT} 4", "offset 4", "'start': 7}], the log says []"),
    ("delete from comments.mentions", "offset 17, the mention of 'u9'", "the row is missing"),
    ("insert into comments.mentions values (1, 'x\n', 4)", r"offset 4, the mention of 'x\n'", "not be there"),
    (f"{SET} number = 7 {AT} 5", "offset 5, comments have other numbers", "1 from this one on"),
    (f'{SET} number = number + 1 where "offset" > 8', "offset 9, comments have other", "6 from this"),
    (f"{SET} author_number = 0 where author = 'u9'", "offset 18, comments have other", "2 from this one on"),
    ("delete from comments.deletions where bucket = 3", "of '' at level 0, bucket 3", "is nothing, the c"),
    ("update comments.deletions set count = 2 where author = 'u9'", "of 'u9' at level 0, bucket 18", "is 2"),
    ("insert into comments.deletions values (1, 'u9', 1, 1, 4)", "of 'u9' at level 1, bucket 1", "is 4, the"),
    ("delete from comments.receipts where \"user\" = 'u9'", "the receipts of 'u9'", "the row is missing"),
    ("insert into comments.receipts values (1, 'ghost', 0, 0)", "the receipts of 'ghost'", "not be there"),
]


@pytest.mark.parametrize(("damage", "where", "what"), BROKEN_DERIVED)
async def test_what_is_derived_and_not_as_the_projections_say_is_found(
    operated: Operated, damage: str, where: str, what: str
) -> None:
    await operated.conversation()
    await operated.reactions()
    assert await operated.verify() == []
    await operated.owner.execute(damage)
    findings = await operated.verify()
    assert any(where in each.line and what in each.line for each in findings), findings
    assert {(each.part, each.remedy) for each in findings} == {("projections", "projections rebuild")}


async def test_how_far_somebody_has_read_is_nothing_that_a_check_could_find_wrong(operated: Operated) -> None:
    await operated.conversation()
    await operated.owner.execute("update comments.receipts set read = 5, delivered = 7")
    assert await operated.verify() == []
