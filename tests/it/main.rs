//! All integration tests, in one program: it links once.

mod catalogue;
mod scenarios;
mod truth;
