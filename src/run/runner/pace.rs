//! Simulated time against the wall clock, which is read here and nowhere else.
