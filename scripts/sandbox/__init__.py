"""The stand-in Flowdock and GitHub: real servers with pages, for the demo, the tests and the benchmarks."""
