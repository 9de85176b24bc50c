"""Invented names of people, companies and projects, and the streets they live in.

Rare characters (䶮 㭎 𠮷) are common enough that four-byte GB18030 is exercised in every file; every project says 示例.
"""

from random import Random

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙马胡朱郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜"
_GIVEN = "伟强磊军洋勇艳杰娟涛明超秀霞平刚桂文辉玲华红建国志德海山泉树林春来福顺庆祥立新永安"
_RARE = "䶮㭎𠮷㛃䴉珅瑋"  # the last two have 0x7C, the bar, as second byte
_COMPANY = ("鲁岳", "岱宏", "泰筑", "汶建", "徂徕", "齐安", "东岳恒", "奉高", "新甫", "云亭", "梁甫", "天烛")
_OWNER = ("城发", "文旅", "交发", "水投", "教投", "高铁新区", "产投", "安居")
_SITE = ("安置房", "中学教学楼", "污水处理厂扩建", "市政道路", "医院门诊楼", "产业园厂房", "河道整治", "保障性租赁住房")
_COUNTIES = {
    "370902": "泰山区", "370911": "岱岳区", "370921": "宁阳县", "370923": "东平县",
    "370982": "新泰市", "370983": "肥城市",
}  # fmt: skip
# Street codes of Tai'an as published by the statistics bureau (facts).
_STREETS = {
    "370902": "001 002 003 004 005 100 101 202",
    "370911": "001 002 003 100 101 102 103 104 106 107 108 109",
    "370921": "001 002 101 102 103 105 107 109 110 111",
    "370923": "001 002 003 101 106 107 108 109 110 111",
    "370982": "001 002 003 101 102 103 104 105 106 107 108 110",
    "370983": "001 002 003 004 101 103 104 105 106 107",
}
STREETS = tuple(county + street for county, streets in _STREETS.items() for street in streets.split())


def county_name(area: str) -> str:
    """The county's name of a six- or nine-digit area code."""
    return _COUNTIES[area[:6]]


def person_name(rng: Random) -> str:
    """A person's name; about one in forty has a rare character."""
    given = rng.choice(_GIVEN) + (rng.choice(_GIVEN) if rng.random() < 0.7 else "")
    if rng.random() < 0.035:
        given = given[:-1] + rng.choice(_RARE)
    return rng.choice(_SURNAMES) + given


def contractor_name(number: int) -> str:
    """A general contractor; the number keeps the name unique."""
    return f"山东{_COMPANY[number % len(_COMPANY)]}示例建设工程有限公司{_ordinal(number // len(_COMPANY))}"


def owner_name(number: int) -> str:
    """A building owner; the number keeps the name unique."""
    return f"泰山市{_OWNER[number % len(_OWNER)]}示例投资有限公司{_ordinal(number // len(_OWNER))}"


def project_name(number: int, area: str) -> str:
    """A project; the number keeps the name unique."""
    return f"{county_name(area)}示例{_SITE[number % len(_SITE)]}项目{number + 1:05d}号"


def _ordinal(number: int) -> str:
    return f"第{number}分公司" if number else ""
