"""The engine of the wage exchange hub: fetch, archive, store, deliver and report, for every feed alike."""

from importlib.metadata import version

__version__ = version("wage-exchange-hub")
