"""Invented companies, banks and insurers of the five cities."""

from dataclasses import dataclass
from functools import cache

from simulators.identifiers import make_card, make_cnaps, make_uscc
from simulators.truth.places import City, cities

_FIRST = "鲁齐岱泰崂胶潍济威海汶泗昆荣沂安"
_SECOND = "岳宏筑建恒信诚盛元和润通达康泽兴"
# Each role has its numbers, apart from those of the first five simulators, and words for the name.
_ROLES = {
    "owner": (3_000_000, ("城市发展", "水务投资", "交通投资", "文旅发展", "教育投资", "产业发展")),
    "contractor": (3_200_000, ("建设", "建工", "路桥", "水利建设", "市政工程")),
    "labour": (3_400_000, ("劳务", "建筑劳务")),
    "supervisor": (3_600_000, ("工程监理", "项目管理")),
    "cleaner": (3_800_000, ("环境服务", "城市服务", "信息技术")),
}
_BUYERS = ("综合行政执法局", "城市管理局", "园林环卫服务中心")


@dataclass(frozen=True)
class Firm:
    """An employer; the number is its own within its role."""

    role: str
    number: int
    uscc: str
    name: str
    area6: str


@dataclass(frozen=True)
class Bank:
    """A bank; several share one class, so its own number stands in all numbers it gives."""

    partner: str
    title: str
    bank3: str
    number: int
    home: str

    @property
    def uscc(self) -> str:
        """Its credit code."""
        return make_uscc(3_900_000 + self.number, self.home + "00")

    def cnaps(self, city: City, branch: int = 1) -> str:
        """The line number of a branch in a city."""
        return make_cnaps(self.bank3, self.number * 100 + branch, city.pbc_code)

    def card(self, number: int) -> str:
        """A personal card."""
        return make_card(f"6217{self.number}", number)


@dataclass(frozen=True)
class Insurer:
    """An insurer, bank or company that gives guarantees."""

    partner: str
    title: str
    mark: str
    number: int

    @property
    def uscc(self) -> str:
        """Its credit code."""
        return make_uscc(3_950_000 + self.number, "370000")


_BANKS = (
    ("laoshan", "崂山银行", "313", "3702"), ("yimeng", "沂蒙银行", "314", "3707"),
    ("weishan", "微山湖银行", "313", "3708"), ("dongping", "东平湖银行", "317", "3709"),
    ("chengshan", "成山银行", "313", "3710"), ("penglai", "蓬莱阁银行", "320", "3709"),
    ("kunyu", "昆嵛银行", "314", "3710"), ("weihe", "潍河银行", "313", "3707"),
    ("jiaolai", "胶莱河银行", "314", "3702"), ("sihe", "泗河银行", "402", "3708"),
    ("culai", "徂徕山银行", "314", "3709"), ("moshan", "摩山银行", "317", "3708"),
    ("linglong", "玲珑山银行", "320", "3707"), ("changdao", "长岛银行", "402", "3709"),
    ("rushan", "乳山河银行", "320", "3710"), ("xiaoqing", "小清河银行", "402", "3707"),
    ("tuhai", "徒骇河银行", "317", "3702"), ("majia", "马颊河银行", "320", "3702"),
    ("yihe", "沂河银行", "314", "3708"), ("shuhe", "沭河银行", "313", "3710"),
)  # fmt: skip
BANKS = {partner: Bank(partner, title, bank3, 11 + i, home) for i, (partner, title, bank3, home) in enumerate(_BANKS)}
_INSURERS = (
    ("mengshan", "蒙山财产保险", "MS"), ("lushan", "鲁山财产保险", "LS"), ("aoshan", "鳌山财产保险", "AS"),
    ("yishan", "沂山财产保险", "YS"), ("zhushan", "竹山财产保险", "ZS"), ("jiuxian", "九仙山财产保险", "JX"),
    ("kongtong", "崆峒岛财产保险", "KT"), ("fulai", "福莱山银行保函中心", "FL"), ("tianzhu", "天柱山工程担保", "TZ"),
    ("wulian", "五莲山财产保险", "WL"), ("changbai", "长白山财产保险", "CB"), ("qingyun", "青云山融资担保", "QY"),
)  # fmt: skip
INSURERS = {partner: Insurer(partner, title, mark, 1 + i) for i, (partner, title, mark) in enumerate(_INSURERS)}


@cache
def firm(role: str, number: int) -> Firm:
    """The company with this number in its role; numbers five apart are in the same city."""
    first, trades = _ROLES[role]
    city = cities()[number % 5]
    county = city.counties[number // 5 % len(city.counties)]
    words = _FIRST[number % 16] + _SECOND[(number // 16 + number) % 16]
    branch = f"第{number // 256}分公司" if number >= 256 else ""
    name = f"山东{words}示例{trades[number % len(trades)]}有限公司{branch}"
    return Firm(role, number, make_uscc(first + number, county.code), name, county.code)


@cache
def buyer(number: int) -> Firm:
    """A public body that buys services."""
    city = cities()[number % 5]
    county = city.counties[number // 5 % len(city.counties)]
    again = number // (5 * len(city.counties))
    name = f"{county.name}{_BUYERS[again % len(_BUYERS)]}（示例）"
    return Firm("buyer", number, make_uscc(3_850_000 + number, county.code, "11"), name, county.code)
