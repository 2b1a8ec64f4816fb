//! Where each value of the configuration comes from.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Config;

/// Who said a value; the later ones win.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    Default,
    File,
    Environment,
    Flag,
}

/// By key (`http.port`); a key that is not here has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(BTreeMap<String, Source>);

impl Source {
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Default => "default",
            Source::File => "file",
            Source::Environment => "environment",
            Source::Flag => "flag",
        }
    }
}

impl Sources {
    /// Every key of a file.
    pub fn of_file(table: &toml::Table) -> Sources {
        fn walk(prefix: &str, table: &toml::Table, sources: &mut Sources) {
            for (name, value) in table {
                match value {
                    toml::Value::Table(inner) => walk(&format!("{prefix}{name}."), inner, sources),
                    _ => sources.set(&format!("{prefix}{name}"), Source::File),
                }
            }
        }
        let mut sources = Sources::default();
        walk("", table, &mut sources);
        sources
    }

    pub fn set(&mut self, key: &str, source: Source) {
        self.0.insert(key.to_owned(), source);
    }

    pub fn of(&self, key: &str) -> Source {
        self.0.get(key).copied().unwrap_or(Source::Default)
    }
}

impl Config {
    /// Every key with its value and where that comes from. What is not set is null.
    pub fn rows(&self) -> Vec<(String, Value, Source)> {
        fn walk(prefix: &str, value: Value, rows: &mut Vec<(String, Value)>) {
            match value {
                Value::Object(fields) => {
                    for (name, value) in fields {
                        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
                        walk(&key, value, rows);
                    }
                }
                value => rows.push((prefix.to_owned(), value)),
            }
        }
        let mut rows = Vec::new();
        walk("", serde_json::to_value(self).unwrap_or_default(), &mut rows);
        rows.into_iter()
            .map(|(key, value)| {
                let source = self.sources.of(&key);
                (key, value, source)
            })
            .collect()
    }
}
