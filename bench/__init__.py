"""What Parley can do on this machine: `python -m bench [--smoke] [NAME …]`; see docs/benchmarks.md."""
