pub mod backoff;
pub mod breaker;
pub mod popularity;
pub mod processor;
pub mod waiting;
