"""How data come to the hub: the folder and the file, or the call that is made."""

from __future__ import annotations

from collections.abc import Sequence

from hub.feed import (
    DelimitedFormat,
    Feed,
    FeedSpec,
    FixedFormat,
    RestSource,
    SftpSource,
    SoapSource,
)
from hub.feed.files import SheetFormat
from hub.feed.security import SoapSecurity
from hub.feed.signing import PAIRED, SignedAnswers, Signing
from hub.specification.columns import layout_of
from hub.specification.wording import code, form_of

PAGES = {
    "page": "页号 page number",
    "offset": "偏移 offset",
    "token": "续取令牌 token",
    "none": "一次取完 in one answer",
}

SM4_FORM = "[容器格式 its form](../../decisions/0034-encrypted-files.md)"
CONTAINERS = {
    "openpgp": "OpenPGP，加密给本枢纽公钥，并用贵方登记的密钥签名（SHA-256 及以上） "
    "to the hub's key, signed by yours (SHA-256 or better)",
    "aes-zip": "zip，WinZip AES（AES-256），约定口令；不收 ZipCrypto AES-256 with the agreed pass word, no ZipCrypto",
    "sm4-gcm": f"SM4-GCM 分块，末尾 HMAC-SM3 chunks with HMAC-SM3 at the end；{SM4_FORM}",
    "signed": f"SM4-GCM 分块 chunks；SM2 签名文件 signature file {{}}；{SM4_FORM}",
}

DAYS = {
    "workdays": ("工作日（含调休上班日）", "working day (swapped weekends included)"),
    "daily": ("自然日", "calendar day"),
}


def describe_transport(spec: FeedSpec) -> list[str]:
    """Bullet points, and for files the lines in order."""
    source = spec.source
    event = "文件到达即处理，另按 when dropped, and at " if isinstance(source, SftpSource) else ""
    when = [f"* 时间 when：{event}`{spec.schedule}`（北京时间 Beijing time）", *_arrivals(spec)]
    if isinstance(source, SftpSource):
        return [*when, *_drop(source), *_file(spec)]
    if isinstance(source, RestSource):
        return [*when, *_rest(source)]
    return [*when, *_soap(source)]


def _arrivals(spec: FeedSpec) -> list[str]:
    """By when something new is expected, and what is asked about when it does not come."""
    arrives = spec.expect.arrives
    if arrives is None:
        return []
    is_file = isinstance(spec.source, SftpSource)
    day_zh, day_en = DAYS[arrives.days]
    each_zh = f"每个{day_zh}" if arrives.every == 1 else f"每 {arrives.every} 个{day_zh}至少一次，"
    each_en = f"each {day_en}" if arrives.every == 1 else f"at least once in {arrives.every} {day_en}s"
    what_zh, what_en = ("文件应到", "a file is expected") if is_file else ("应有新数据", "new rows are expected")
    small = (
        f"；少于前十次中位数的 {arrives.least_share} 时询问 asked about below this share of the median of the last ten"
    )
    return [
        f"* 应到时间 expected：{each_zh} {arrives.by} 前{what_zh} {what_en} {each_en} by {arrives.by}"
        + (small if arrives.least_share else ""),
        f"* 连续 {arrives.within_minutes} 分钟连不上时联系贵方 you are called when out of reach for "
        f"{arrives.within_minutes} minutes",
    ]


def _drop(source: SftpSource) -> list[str]:
    lines = [f"* SFTP 目录与文件 files：{code(source.files)}；文件名 name {code(source.name)}"]
    if source.names:
        lines += [f"* 文件名编码 file names are in：{source.names}"]
    if source.packed:
        lines += [f"* 打包 packed：{source.packed}，包内只放一个文件 exactly one file inside"]
    if source.digest:
        lines += [f"* 摘要文件 digest：{code(source.digest)}"]
    lines += _encryption(source)
    done = f"最后放 {code(source.done)} the flag comes last" if source.done else "写完后改名 renamed when whole"
    return [*lines, f"* 完成标志 complete when：{done}"]


def _encryption(source: SftpSource) -> list[str]:
    """How the file is encrypted and proven, and what the sender reads when it is not."""
    if source.encrypted is None:
        return []
    signature = source.signature
    how = CONTAINERS[source.encrypted] if signature is None else CONTAINERS["signed"].format(code(signature))
    return [
        f"* 加密 encrypted：{how}",
        "* 不合约定时的代码 otherwise：F023 未加密或方式不符 not encrypted as agreed；"
        "F024 加密对象或口令不符 another key or pass word；"
        "F025 未签名 not signed；F026 签名人不符 another signer；F027 签名密钥失效 expired, revoked or SHA-1；"
        "F028 被改动或截断 altered or cut off；F029 解开后过大 too large（512 MB）",
        "* 标志与摘要按密文计算 flag and digest are of the encrypted bytes；"
        "密钥、指纹另行交换 keys and fingerprints are exchanged apart",
    ]


def _file(spec: FeedSpec) -> list[str]:
    form = spec.source.format
    if isinstance(form, SheetFormat):
        above = f"列名之上 {form.above} 行 rows above the names；" if form.above else ""
        trailer = f"；末行 last row {code(form.trailer)}" if form.trailer else ""
        return [f"* 电子表格 spreadsheet（xlsx、xls）：{above}列 columns {'、'.join(form.columns)}{trailer}", ""]
    if not isinstance(form, DelimitedFormat | FixedFormat):
        return [f"* 内容 content：{form.type.upper()}", ""]
    kind = (
        f"以 {code(form.separator)} 分隔 delimited"
        if isinstance(form, DelimitedFormat)
        else "定长，按字节 fixed width in bytes"
    )
    lines = [f"* 格式 format：{kind}；编码 encoding {form.encoding}"]
    if isinstance(form, DelimitedFormat) and form.escape:
        lines += [f"* 分隔符出现在内容里时，前面写 written before a separator inside a cell：{code(form.escape)}"]
    if isinstance(form, DelimitedFormat) and form.quote:
        lines += [f"* 单元格可加引号 cells may be quoted：{code(form.quote)}"]
    if isinstance(form, DelimitedFormat) and form.detail.named:
        lines += ["* 明细之上有一行列名 a line of column names stands above the rows"]
    if form.totals and form.totals.of:
        lines += [
            f"* 合计 totals：{code(form.totals.of)} 之和 must add up，{form_of(form.totals.as_)}；不符 otherwise F002、F003"
        ]
    for column, agreed in form.agreed.items():
        lines += [f"* {code(column)} 必须是 must be {code(agreed.equals)}，否则 otherwise {agreed.otherwise}"]
    return [*lines, *layout_of(spec)]


def _rest(source: RestSource) -> list[str]:
    lines = [
        f"* 本枢纽调用 the hub calls：{source.method.upper()} {code(source.path)}，{PAGES[source.paging.by]}；"
        f"数据行 rows in {code(source.paging.rows)}",
        f"* 成功 success：{code(source.envelope.code)} = {code(source.envelope.success)}",
    ]
    if source.since is not None:
        lines += [
            f"* 增量 since：{code(source.since.parameter)}（{source.since.form}），依 by {code(source.since.member)}"
        ]
    if source.signing is not None:
        lines += [
            f"* 签名 signature：{source.signing.algorithm}，{code(source.signing.name)}，原文 of "
            f"{_lines(source.signing.text)}{_written(source.signing)}"
        ]
    if (signed := source.signed_answers) is not None:
        lines += [
            f"* 贵方应答须签名 your answers are signed：{signed.algorithm}，{code(signed.name)}，原文 of "
            f"{_lines(signed.text)}{_written(signed)}；不符不予采用 otherwise S076"
        ]
    return [*lines, f"* 每秒至多 at most {source.calls_per_second:g} 次调用 calls per second", ""]


def _lines(text: str) -> str:
    """A text that is signed, line feeds shown as such."""
    return code(text.replace("\n", "\\n"))


def _written(signing: Signing | SignedAnswers) -> str:
    """How a signature by a private key is written; of digests the algorithm says enough."""
    if signing.algorithm not in PAIRED:
        return ""
    shape = f"，{signing.shape}" if signing.algorithm == "sm2" else ""
    return f"{shape}，{signing.written}"


def describe_door(name: str, feeds: Sequence[Feed]) -> list[str]:
    """How the partner may say that something is ready, instead of waiting for the next look."""
    ready = [feed.feed_id for feed in feeds] or ["receipts"]
    return [
        "## 就绪通知 · Saying that something is ready",
        "",
        f"可以不用 may be left out：应用标识 app id {code(name)}，{code('ready')} 填 is one of "
        f"{'、'.join(code(one) for one in ready)}；[就绪通知接口 the door](../door.md)",
    ]


def _soap(source: SoapSource) -> list[str]:
    place = f"[{source.wsdl}](../../../mappings/wsdl/{source.wsdl})"
    return [
        f"* 本枢纽调用 the hub calls：SOAP {code(source.operation)}，约定的接口文件 the agreed WSDL {place}",
        f"* 成功 success：{code(source.envelope.code)} = {code(source.envelope.success)}",
        *_security(source.security),
        "",
    ]


def _security(security: SoapSecurity | None) -> list[str]:
    """What both sides add to their messages."""
    if security is None:
        return []
    lines = []
    if security.token is not None:
        kind = {"digest": "PasswordDigest", "text": "PasswordText"}[security.token]
        lines.append(f"* 本枢纽的报文带 our calls carry：WS-Security UsernameToken（{kind}，Nonce，Created）")
    if security.signature:
        lines.append(
            "* 本枢纽的报文带签名 our calls are signed：X.509，RSA-SHA256，签 Body 和 Timestamp，证书在 BinarySecurityToken"
        )
    if security.signed_answers:
        lines.append(
            "* 应答必须签名 answers must be signed：RSA-SHA256，恰好签 exactly Body 和 Timestamp，exclusive C14N，"
            f"不早于 not older than {security.fresh_seconds} s；否则整批扣留 else the batch is held（F020、F021）"
        )
    return lines
