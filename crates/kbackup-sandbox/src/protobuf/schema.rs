//! What the messages look like.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    /// Its name in JSON.
    pub(super) name: &'static str,
    pub(super) number: u32,
    pub(super) shape: Shape,
    pub(super) kind: Kind,
}

/// How often a field is there, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Once; a zero is the same as nothing.
    Value,
    /// Once; a zero was set.
    Pointer,
    /// As often as one likes.
    List,
    /// As often as one likes, with keys that are text.
    Map,
    /// Once, and JSON shows its fields among those around it.
    Inline,
}

/// What is in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Bytes,
    Truth,
    Integer,
    Double,
    Quantity,
    IntOrString,
    Time,
    MicroTime,
    /// JSON in bytes.
    Json,
    /// A list of texts that is a message of its own.
    Texts,
    /// The message of this name.
    Message(&'static str),
}

static MESSAGES: LazyLock<HashMap<&'static str, Vec<Field>>> =
    LazyLock::new(|| include_str!("schema.txt").lines().filter_map(message).collect());

/// The fields of the message of this name.
pub(super) fn fields(message: &str) -> Option<&'static [Field]> {
    MESSAGES.get(message).map(Vec::as_slice)
}

fn message(line: &'static str) -> Option<(&'static str, Vec<Field>)> {
    let mut words = line.split_whitespace();
    let name = words.next()?;
    Some((name, words.filter_map(field).collect()))
}

fn field(word: &'static str) -> Option<Field> {
    let mut parts = word.splitn(4, ':');
    let (name, number) = (parts.next()?, parts.next()?.parse().ok()?);
    let shape = match parts.next()? {
        "*" => Shape::Pointer,
        "[" => Shape::List,
        "{" => Shape::Map,
        "^" => Shape::Inline,
        _ => Shape::Value,
    };
    let kind = match parts.next()? {
        "s" => Kind::Text,
        "b" => Kind::Bytes,
        "t" => Kind::Truth,
        "i" => Kind::Integer,
        "d" => Kind::Double,
        "Q" => Kind::Quantity,
        "I" => Kind::IntOrString,
        "T" => Kind::Time,
        "U" => Kind::MicroTime,
        "R" => Kind::Json,
        "X" => Kind::Texts,
        name => Kind::Message(name),
    };
    Some(Field { name, number, shape, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_and_every_word_is_understood() {
        for line in include_str!("schema.txt").lines() {
            let (name, fields) = message(line).expect("a message");
            assert_eq!(fields.len(), line.split_whitespace().count() - 1, "{line}");
            for field in fields {
                if let Kind::Message(inner) = field.kind {
                    assert!(super::fields(inner).is_some(), "{name}.{} is of {inner}, which is missing", field.name);
                }
            }
        }
    }
}
