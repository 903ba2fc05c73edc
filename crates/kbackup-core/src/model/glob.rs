//! Name patterns: `*`, `?` and `[a-z]`, as in the shell and in Velero.

/// A name pattern. `*` stands for any characters, `?` for one, `[abc]` and `[a-z]` for one of those; all else for itself.
///
/// ```
/// use kbackup_core::model::Glob;
///
/// assert!(Glob::new("shop-*").matches("shop-eu"));
/// assert!(Glob::new("*.example.com").matches("widgets.example.com"));
/// assert!(!Glob::new("shop-?").matches("shop-eu"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Vec<Token>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Any,
    One,
    Char(char),
    OneOf(Vec<(char, char)>),
}

impl Glob {
    /// The pattern. A `[` without its `]` stands for itself.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        let chars: Vec<char> = pattern.chars().collect();
        let mut tokens = Vec::new();
        let mut at = 0;
        while at < chars.len() {
            let (token, used) = token(&chars[at..]);
            tokens.push(token);
            at += used;
        }
        Self(tokens)
    }

    /// Whether every `[` of the pattern has its `]` with something between them.
    #[must_use]
    pub fn is_balanced(pattern: &str) -> bool {
        let mut rest = pattern;
        while let Some(open) = rest.find(['[', ']']) {
            let Some(close) = rest[open..].starts_with('[').then(|| rest[open..].find(']')).flatten() else {
                return false;
            };
            if close < 2 {
                return false;
            }
            rest = &rest[open + close + 1..];
        }
        true
    }

    /// Whether the text is a pattern at all, rather than a plain name.
    #[must_use]
    pub fn is_pattern(text: &str) -> bool {
        text.contains(['*', '?', '['])
    }

    /// Whether the whole name fits the pattern. Linear in practice, never exponential.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut at, mut token) = (0, 0);
        // Where to go on when the text after the last `*` did not fit: let the `*` take one character more.
        let mut retry: Option<(usize, usize)> = None;
        while at < name.len() {
            match self.0.get(token) {
                Some(Token::Any) => {
                    retry = Some((token + 1, at));
                    token += 1;
                }
                Some(one) if one.fits(name[at]) => {
                    token += 1;
                    at += 1;
                }
                _ => {
                    let Some((after, from)) = retry else { return false };
                    retry = Some((after, from + 1));
                    (token, at) = (after, from + 1);
                }
            }
        }
        self.0[token..].iter().all(|rest| *rest == Token::Any)
    }
}

fn token(chars: &[char]) -> (Token, usize) {
    match chars[0] {
        '*' => (Token::Any, 1),
        '?' => (Token::One, 1),
        '[' => match chars.iter().position(|c| *c == ']') {
            Some(close) if close > 1 => (Token::OneOf(ranges(&chars[1..close])), close + 1),
            _ => (Token::Char('['), 1),
        },
        other => (Token::Char(other), 1),
    }
}

fn ranges(mut chars: &[char]) -> Vec<(char, char)> {
    let mut ranges = Vec::new();
    while let [first, rest @ ..] = chars {
        match rest {
            ['-', last, after @ ..] => {
                ranges.push((*first, *last));
                chars = after;
            }
            _ => {
                ranges.push((*first, *first));
                chars = rest;
            }
        }
    }
    ranges
}

impl Token {
    fn fits(&self, c: char) -> bool {
        match self {
            Self::Any => false,
            Self::One => true,
            Self::Char(own) => *own == c,
            Self::OneOf(ranges) => ranges.iter().any(|(first, last)| (*first..=*last).contains(&c)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_names() {
        for (pattern, name, expect) in [
            ("shop", "shop", true),
            ("shop", "shops", false),
            ("*", "", true),
            ("*", "anything", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-d", false),
            ("shop-[0-9]", "shop-7", true),
            ("shop-[abc]", "shop-d", false),
            ("team-?", "team-", false),
            ("*-eu-*", "shop-eu-1", true),
            ("*.example.com", "example.com", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(name), expect, "{pattern} on {name}");
        }
    }

    #[test]
    fn brackets_must_close() {
        for (pattern, expect) in [("a[bc]", true), ("a[", false), ("a]", false), ("[]", false), ("[a]x[b]", true)] {
            assert_eq!(Glob::is_balanced(pattern), expect, "{pattern}");
        }
    }
}
