"""Measurements that print their figures: `make bench`. Results are written to bench/results/, which is not kept."""
