//! All integration tests, in one program: it links once.

mod bad_input;
mod cases;
mod catalogue;
mod change;
mod cli;
mod conservation;
mod determinism;
mod editor;
mod figure;
mod forms;
mod gallery;
mod kinds;
mod laws;
mod measures;
mod memory;
mod pictures;
mod runner;
mod scenarios;
mod stations;
mod tidy;
mod traps;
mod truth;
