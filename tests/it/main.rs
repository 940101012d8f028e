//! All integration tests, in one program: it links once.

mod catalogue;
mod conservation;
mod determinism;
mod scenarios;
mod truth;
