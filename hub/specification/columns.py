"""The columns rows are taken from: what they mean, how they are written, which codes are understood, what is checked."""

from __future__ import annotations

from collections.abc import Iterator

from hub.feed import DelimitedFormat, FeedSpec, FieldSpec, FixedFormat, RecordSpec
from hub.mapping import Codes, default_recipe
from hub.specification.wording import code, form_of, table
from schemas.catalogue import SCHEMAS, explain, failure_names
from schemas.codes import CODE_LISTS, YES_NO
from schemas.shared import Shared

HEADS = ("列 column", "内容 what it says", "必填 required", "写法 form", "取值 codes", "检查 checks")
MOST_CODES = 40


def describe_columns(spec: FeedSpec, codes: Codes) -> list[str]:
    """One table for each record; then the columns that come and are not taken."""
    lines: list[str] = []
    for name, record in spec.records.items():
        schema = SCHEMAS[name]
        lines += [f"### {schema.label} · {schema.label_en} — {_place(record.rows)}", ""]
        lines += table(HEADS, _rows(record, schema, codes))
        if record.ignore:
            lines += [f"收到但不取用 / sent and not taken: {'、'.join(code(column) for column in record.ignore)}", ""]
        again = (
            "只取最后一行 / the last one counts"
            if record.repeats == "last_wins"
            else "后一行退回 L105 / the later one is rejected, L105"
        )
        key = " + ".join(SCHEMAS[name].columns()[column].metadata["label"] for column in schema.business_key)  # type: ignore[index]
        lines += [f"同一批中业务主键（{key}）重复时：{again}。", ""]
    return lines


def layout_of(spec: FeedSpec) -> list[str]:
    """The columns of each line of a file, in order; empty for answers."""
    form = spec.source.format
    if not isinstance(form, DelimitedFormat | FixedFormat):
        return []
    lines: list[str] = []
    for zh, en, line in (
        ("文件头", "header", form.header),
        ("明细行", "detail line", form.detail),
        ("文件尾", "trailer", form.trailer),
    ):
        if line is None:
            continue
        mark = f"，以 {code(line.mark)} 开头" if line.mark else ""
        if isinstance(form, FixedFormat):
            columns = "、".join(f"{column.name} {column.width}" for column in line.columns)  # type: ignore[union-attr]
        else:
            columns = "、".join(line.names)
        lines += [f"* {zh} {en}{mark}：{columns}"]
    return [*lines, ""]


def _place(rows: str) -> str:
    return {"header": "文件头 header", "detail": "明细行 detail lines"}.get(rows, code(rows))


def _rows(record: RecordSpec, schema: type[Shared], codes: Codes) -> Iterator[list[str]]:
    failures = [explain(schema, name) for name in failure_names(schema)]
    for field, spec in record.fields.items():
        column = schema.columns()[field]
        facts = column.metadata or {}
        checks = "、".join(sorted({failure.code for failure in failures if failure.field == field} | _unread(spec)))
        meaning = f"{facts['label']} / {column.description}" + ("（个人信息 personal）" if facts.get("level") else "")
        form = "" if spec.codes else form_of(spec.as_ or default_recipe(column.dtype))
        required = "" if column.nullable else "是 yes"
        yield [_origin(spec), meaning, required, form, _values(spec, facts.get("code_list"), codes), checks]


def _unread(spec: FieldSpec) -> set[str]:
    return {"L108"} if spec.codes else set()


def _origin(spec: FieldSpec) -> str:
    if spec.const is not None:
        return f"（恒为 always {code(spec.const)}）"
    if spec.sql is not None:
        return f"（计算 computed {code(spec.sql)}）"
    names = spec.first_of or (spec.from_ or "",)
    return " 或 or ".join(_named(name) for name in names)


def _named(name: str) -> str:
    if name.startswith("@"):
        return f"文件名 file name {code('{' + name[1:] + '}')}"
    return f"上级 parent {code(name[3:])}" if name.startswith("../") else code(name)


def _values(spec: FieldSpec, code_list: str | None, codes: Codes) -> str:
    known = CODE_LISTS.get(code_list or "", YES_NO)
    if spec.codes is not None:
        pairs = {theirs: known.get(ours, ours) for theirs, ours in codes[spec.codes].items()}
    elif spec.const is None and code_list in CODE_LISTS:
        pairs = known
    else:
        pairs = {}
    shown = [f"{code(theirs)} {ours}" for theirs, ours in list(pairs.items())[:MOST_CODES]]
    return "，".join(shown) + (f" …（共 {len(pairs)}）" if len(pairs) > MOST_CODES else "")
