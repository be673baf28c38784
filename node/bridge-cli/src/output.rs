//! Answers for people and for programs.

use serde_json::{Map, Value};

/// Named values, and what to do next.
pub(crate) struct Answer {
    values: Map<String, Value>,
    next: String,
}

impl Answer {
    /// An answer that ends with the next step.
    pub(crate) fn new(next: impl Into<String>) -> Self {
        Self { values: Map::new(), next: next.into() }
    }

    /// Adds a value.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.values.insert(name.into(), value.into());
        self
    }

    /// Writes it to the standard output: one JSON object, or a line per value.
    pub(crate) fn print(mut self, json: bool) {
        if json {
            self.values.insert("next".into(), self.next.into());
            println!("{}", Value::Object(self.values));
            return;
        }
        for (name, value) in &self.values {
            match value {
                Value::String(text) => println!("{name:>12}  {text}"),
                value => println!("{name:>12}  {value}"),
            }
        }
        println!("{:>12}  {}", "next", self.next);
    }
}
