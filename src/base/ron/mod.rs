//! Provisional.
use serde::{Serialize, de::DeserializeOwned};
pub struct Problem { pub message: String }
pub struct Reading<T> { pub value: Option<T>, pub problems: Vec<Problem> }
pub fn read<T: DeserializeOwned>(text: &str) -> Reading<T> {
    match ::ron::from_str(text) { Ok(v) => Reading { value: Some(v), problems: vec![] }, Err(e) => Reading { value: None, problems: vec![Problem { message: e.to_string() }] } }
}
pub fn to_text<T: Serialize>(value: &T) -> String { ::ron::to_string(value).unwrap_or_default() }
