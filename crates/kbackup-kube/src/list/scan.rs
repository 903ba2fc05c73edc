//! Cuts the body of a list into its items while it arrives.
//!
//! A page of a list can be hundreds of megabytes; what is held of it is the item that is under the knife. The scanner
//! knows just enough JSON to find where values end; each item is parsed by whoever takes it, and what stands between
//! the items is checked only as far as needed to find them.

use serde::Deserialize;

/// What stands in the `metadata` of a list
/// (<https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/list-meta/>).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListMeta {
    /// The revision of the list; empty for APIs that have none.
    pub(crate) resource_version: String,
    /// The token of the next page; empty on the last one.
    #[serde(rename = "continue")]
    pub(crate) token: String,
    /// How many objects come after this page, where the server counts them.
    pub(crate) remaining_item_count: Option<u64>,
}

/// Bytes that are not the JSON of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScanError {
    #[error("it is not a JSON object at byte {0}")]
    Syntax(u64),
    #[error("its metadata is not that of a list")]
    Metadata,
    #[error("an item is larger than {0} bytes")]
    TooLarge(usize),
    #[error("it ended too early")]
    Truncated,
}

/// Takes the body of a list chunk by chunk; see [`Scanner::push`].
#[derive(Debug)]
pub(crate) struct Scanner {
    state: State,
    /// The value under the knife.
    span: Span,
    /// What of that value came in earlier chunks, where its bytes are wanted.
    held: Vec<u8>,
    meta: Option<ListMeta>,
    /// Bytes of all chunks before the current one: for messages.
    offset: u64,
    item_bytes_max: usize,
}

/// Where in the list the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the opening brace.
    Start,
    /// Before a key or, where `first`, the closing brace.
    Key {
        first: bool,
    },
    InKey,
    Colon(Field),
    /// Before the value of a field.
    Value(Field),
    InValue(Field),
    /// Before a comma or the closing brace.
    AfterValue,
    /// Before an item or, where `first`, the closing bracket.
    Item {
        first: bool,
    },
    InItem,
    /// Before a comma or the closing bracket.
    AfterItem,
    Done,
}

/// What a field of the list is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Metadata,
    Items,
    Other,
}

impl Scanner {
    /// A scanner of one list, none of whose items may be larger than `item_bytes_max`.
    pub(crate) fn new(item_bytes_max: usize) -> Self {
        Self { state: State::Start, span: Span::default(), held: Vec::new(), meta: None, offset: 0, item_bytes_max }
    }

    /// Takes the next bytes of the body and gives each item that they complete to `take`.
    ///
    /// # Errors
    /// What is wrong with the bytes, or what `take` says.
    pub(crate) fn push<E: From<ScanError>>(
        &mut self,
        chunk: &[u8],
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut at = 0;
        while at < chunk.len() {
            at = match self.state {
                State::InKey | State::InValue(_) | State::InItem => self.inside(chunk, at, &mut take)?,
                _ => self.between(chunk, at)?,
            };
        }
        self.offset += chunk.len() as u64;
        Ok(())
    }

    /// The metadata of the list, once it has come.
    pub(crate) fn meta(&self) -> Option<&ListMeta> {
        self.meta.as_ref()
    }

    /// The metadata of the list that has come to its end; an empty one where the list had none.
    ///
    /// # Errors
    /// [`ScanError::Truncated`].
    pub(crate) fn finish(self) -> Result<ListMeta, ScanError> {
        if self.state == State::Done { Ok(self.meta.unwrap_or_default()) } else { Err(ScanError::Truncated) }
    }

    /// One byte that is not within a key, a value or an item. Returns where the next one is.
    fn between(&mut self, chunk: &[u8], at: usize) -> Result<usize, ScanError> {
        let byte = chunk[at];
        if byte.is_ascii_whitespace() {
            return Ok(at + 1);
        }
        let (state, used) = match (self.state, byte) {
            (State::Start, b'{') => (State::Key { first: true }, 1),
            (State::Key { .. }, b'"') => (State::InKey, 0),
            (State::Key { first: true } | State::AfterValue, b'}') => (State::Done, 1),
            (State::Colon(field), b':') => (State::Value(field), 1),
            (State::Value(Field::Items), b'[') => (State::Item { first: true }, 1),
            // An empty list of Go may be null; whatever else is not an array is not a list.
            (State::Value(Field::Items), b'n') => (State::InValue(Field::Other), 0),
            (State::Value(field), _) if field != Field::Items => (State::InValue(field), 0),
            (State::AfterValue, b',') => (State::Key { first: false }, 1),
            (State::Item { .. }, b'{') => (State::InItem, 0),
            (State::Item { first: true } | State::AfterItem, b']') => (State::AfterValue, 1),
            (State::AfterItem, b',') => (State::Item { first: false }, 1),
            _ => return Err(ScanError::Syntax(self.offset + at as u64)),
        };
        self.state = state;
        Ok(at + used)
    }

    /// The bytes of a key, a value or an item, as far as this chunk has them. Returns where what follows is.
    fn inside<E: From<ScanError>>(
        &mut self,
        chunk: &[u8],
        at: usize,
        take: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<usize, E> {
        let rest = &chunk[at..];
        let end = self.span.advance(rest);
        let part = &rest[..end.unwrap_or(rest.len())];
        let wanted = self.state != State::InValue(Field::Other);
        if wanted && self.held.len() + part.len() > self.item_bytes_max {
            return Err(ScanError::TooLarge(self.item_bytes_max).into());
        }
        let Some(len) = end else {
            if wanted {
                self.held.extend_from_slice(part);
            }
            return Ok(chunk.len());
        };
        let mut held = std::mem::take(&mut self.held);
        let value = if held.is_empty() {
            part
        } else {
            held.extend_from_slice(part);
            &held
        };
        self.close(value, take)?;
        held.clear();
        self.held = held;
        self.span = Span::default();
        Ok(at + len)
    }

    /// A key, a value or an item is complete.
    fn close<E: From<ScanError>>(
        &mut self,
        value: &[u8],
        take: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.state = match self.state {
            State::InKey => State::Colon(Field::parse(value)),
            State::InItem => {
                take(value)?;
                State::AfterItem
            }
            State::InValue(Field::Metadata) => {
                self.meta = Some(serde_json::from_slice(value).map_err(|_| ScanError::Metadata)?);
                State::AfterValue
            }
            _ => State::AfterValue,
        };
        Ok(())
    }
}

impl Field {
    /// What the key, with its quotes, names.
    fn parse(key: &[u8]) -> Self {
        match serde_json::from_slice::<String>(key).as_deref() {
            Ok("metadata") => Self::Metadata,
            Ok("items") => Self::Items,
            _ => Self::Other,
        }
    }
}

/// Finds the end of one JSON value.
#[derive(Debug, Default)]
struct Span {
    depth: u32,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    /// Outside of strings.
    #[default]
    Outside,
    InString,
    /// After a backslash in a string.
    Escaped,
    /// In a number, `true`, `false` or `null` that is the whole value: only what follows it ends it.
    Scalar,
}

impl Span {
    /// Takes the next bytes; `Some(n)` where the value ends after the first `n` of them.
    fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            match self.place {
                Place::Outside => {
                    if self.outside(bytes[at]) {
                        return Some(at + 1);
                    }
                }
                Place::InString => {
                    at += memchr::memchr2(b'"', b'\\', &bytes[at..])?;
                    if bytes[at] == b'\\' {
                        self.place = Place::Escaped;
                    } else {
                        self.place = Place::Outside;
                        if self.depth == 0 {
                            return Some(at + 1);
                        }
                    }
                }
                Place::Escaped => self.place = Place::InString,
                Place::Scalar => {
                    if matches!(bytes[at], b',' | b'}' | b']') || bytes[at].is_ascii_whitespace() {
                        return Some(at);
                    }
                }
            }
            at += 1;
        }
        None
    }

    /// Takes a byte outside of strings; true where it is the last of the value.
    fn outside(&mut self, byte: u8) -> bool {
        match byte {
            b'"' => self.place = Place::InString,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ if self.depth == 0 => self.place = Place::Scalar,
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests;
