//! As much of Rust's grammar as it takes to tell code from comments and strings.

/// What a character of a source file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Code; also the quotes around a string.
    Code,
    /// What is between the quotes of a string or character.
    Literal,
    /// A comment of any kind.
    Comment,
}

/// The class of each character.
pub(crate) fn classify(text: &[char]) -> Vec<Class> {
    let mut classes = vec![Class::Code; text.len()];
    let mut at = 0;
    while at < text.len() {
        let (end, inner, class) = token(text, at);
        let inner = inner.start.min(text.len())..inner.end.min(text.len());
        classes[inner].fill(class);
        at = end.max(at + 1);
    }
    classes
}

/// The token at `at`: where it ends, and which part of it is not code.
fn token(text: &[char], at: usize) -> (usize, std::ops::Range<usize>, Class) {
    let after_name = at > 0 && is_name(text[at - 1]);
    match (text[at], text.get(at + 1)) {
        ('/', Some('/')) => {
            let end = find(text, at, |c| c == '\n');
            (end, at..end, Class::Comment)
        }
        ('/', Some('*')) => {
            let end = block_comment_end(text, at);
            (end, at..end, Class::Comment)
        }
        ('r', Some('"' | '#')) if !after_name || text[at - 1] == 'b' || text[at - 1] == 'c' => raw_string(text, at),
        ('"', _) => {
            let end = quoted_end(text, at + 1, '"');
            (end + 1, at + 1..end, Class::Literal)
        }
        ('\'', _) if is_character(text, at) => {
            let end = quoted_end(text, at + 1, '\'');
            (end + 1, at + 1..end, Class::Literal)
        }
        _ => (at + 1, at..at, Class::Code),
    }
}

pub(crate) fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn find(text: &[char], from: usize, wanted: impl Fn(char) -> bool) -> usize {
    text[from..].iter().position(|c| wanted(*c)).map_or(text.len(), |found| from + found)
}

fn block_comment_end(text: &[char], start: usize) -> usize {
    let (mut depth, mut at) = (0, start);
    while at + 1 < text.len() {
        match (text[at], text[at + 1]) {
            ('/', '*') => (depth, at) = (depth + 1, at + 2),
            ('*', '/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The place of the closing quote.
fn quoted_end(text: &[char], from: usize, quote: char) -> usize {
    let mut at = from;
    while at < text.len() && text[at] != quote {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    at.min(text.len())
}

fn raw_string(text: &[char], at: usize) -> (usize, std::ops::Range<usize>, Class) {
    let open = find(text, at + 1, |c| c != '#');
    if text.get(open) != Some(&'"') {
        return (at + 1, at..at, Class::Code); // A raw identifier: r#type.
    }
    let hashes = open - at - 1;
    let closes =
        |end: &usize| text[*end] == '"' && text[*end + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
    let end = (open + 1..text.len()).find(closes).unwrap_or(text.len());
    (end + 1 + hashes, open + 1..end, Class::Literal)
}

/// Whether the quote begins a character and not a lifetime.
fn is_character(text: &[char], at: usize) -> bool {
    match text.get(at + 1) {
        Some('\\') => true,
        Some(_) => text.get(at + 2) == Some(&'\''),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, classify};

    /// The text with what is not code replaced by dots.
    fn code(text: &str) -> String {
        let chars: Vec<char> = text.chars().collect();
        let keep = |(c, class): (&char, Class)| if class == Class::Code { *c } else { '.' };
        chars.iter().zip(classify(&chars)).map(keep).collect()
    }

    #[test]
    fn code_is_told_from_comments_and_strings() {
        let cases = [
            ("a // b\nc", "a ....\nc"),
            ("a /* b /* c */ d */ e", "a ................. e"),
            (r#"f("x // y") + 1"#, r#"f("......") + 1"#),
            (r#"f("a\"b") // c"#, r#"f("....") ...."#),
            ("r\"a\\\" + b", "r\"..\" + b"),
            ("br#\"a \" b\"# + c", "br#\".....\"# + c"),
            ("r#type + 'x' + '\\'' + &'a str", "r#type + '.' + '..' + &'a str"),
            ("var\"x\"", "var\".\""),
            ("\"never ends", "\".........."),
        ];
        for (text, expected) in cases {
            assert_eq!(code(text), expected, "{text}");
        }
    }
}
