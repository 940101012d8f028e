//! All integration tests, in one program: it links once.

mod scenarios;
mod truth;
