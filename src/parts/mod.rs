pub mod backoff;
pub mod breaker;
