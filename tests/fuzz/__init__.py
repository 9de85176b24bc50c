"""Good samples mutated and pure noise through every reader: never an exception without a code, never a silent accept.

`make fuzz` runs 100,000 cases (CASES=), the same ones for the same SEED=; `make test` some hundred of them.
"""
