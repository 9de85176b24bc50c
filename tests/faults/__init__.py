"""Real processes, real sockets, real `kill -9`: the exchange is broken at every named moment and must lose and double nothing.

What must hold is asked of the partners' and receivers' own ledgers; the hub's tables are only the second side.
"""
