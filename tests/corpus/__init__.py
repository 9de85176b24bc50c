"""Hostile and broken inputs, each with the verdict it must get: cases/*.yaml is the table, test_corpus.py reads it."""
