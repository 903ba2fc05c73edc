//! A Rust file as the rules see it: its code without comments and strings, and what of it is test code.

use super::lexer::{Class, classify};

/// A Rust file.
#[derive(Debug)]
pub(crate) struct Source {
    /// The path, relative to the root of the repository, with slashes.
    pub(crate) path: String,
    /// Its lines.
    pub(crate) lines: Vec<Line>,
}

/// A line of a Rust file.
#[derive(Debug)]
pub(crate) struct Line {
    /// As it is written.
    pub(crate) text: String,
    /// Without comments, and with spaces instead of what strings hold.
    pub(crate) code: String,
    /// What the strings that begin and end on this line hold.
    pub(crate) strings: Vec<String>,
    /// Whether the line is compiled for tests only.
    pub(crate) test: bool,
}

impl Source {
    /// From a file's path and text.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let mut lines = split(text);
        if is_test_file(path) {
            lines.iter_mut().for_each(|line| line.test = true);
        } else {
            mark_test_modules(&mut lines);
        }
        Self { path: path.to_owned(), lines }
    }

    /// The lines of production code with their numbers, from 1.
    pub(crate) fn production(&self) -> impl Iterator<Item = (usize, &Line)> {
        self.numbered().filter(|(_, line)| !line.test)
    }

    /// All lines with their numbers, from 1.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (usize, &Line)> {
        self.lines.iter().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// A server that tests and benches use is a program, whatever folder it is in.
fn is_test_file(path: &str) -> bool {
    if path.starts_with("tests/s3/src/") {
        return false;
    }
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.starts_with("tests/")
}

fn split(text: &str) -> Vec<Line> {
    let chars: Vec<char> = text.chars().collect();
    let classes = classify(&chars);
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.lines() {
        let end = start + line.chars().count();
        lines.push(Line {
            text: line.to_owned(),
            code: masked(&chars[start..end], &classes[start..end]),
            strings: literals(&chars[start..end], &classes[start..end]),
            test: false,
        });
        // The line feed, and the carriage return that `lines` has taken away before it.
        start = (end..chars.len()).find(|at| chars[*at] == '\n').map_or(chars.len(), |at| at + 1);
    }
    lines
}

fn masked(chars: &[char], classes: &[Class]) -> String {
    let keep = |(c, class): (&char, &Class)| if *class == Class::Code { *c } else { ' ' };
    chars.iter().zip(classes).map(keep).collect::<String>().trim_end().to_owned()
}

fn literals(chars: &[char], classes: &[Class]) -> Vec<String> {
    let mut found = Vec::new();
    let mut current = String::new();
    for (c, class) in chars.iter().zip(classes) {
        if *class == Class::Literal {
            current.push(*c);
        } else if !current.is_empty() {
            found.push(std::mem::take(&mut current));
        }
    }
    found
}

/// Marks what `#[cfg(test)]` is about: up to the brace that closes it, by the indentation that rustfmt gives it.
fn mark_test_modules(lines: &mut [Line]) {
    let mut at = 0;
    while at < lines.len() {
        if lines[at].code.trim() != "#[cfg(test)]" {
            at += 1;
            continue;
        }
        let end = item_end(lines, at);
        lines[at..=end].iter_mut().for_each(|line| line.test = true);
        at = end + 1;
    }
}

/// The last line of the item that begins at or after `start`, attributes included.
pub(crate) fn item_end(lines: &[Line], start: usize) -> usize {
    let indent = indentation(&lines[start].code);
    let closing = |line: &Line| {
        let code = line.code.trim_start();
        indentation(&line.code) == indent && (code.starts_with('}') || code.ends_with(';') || code.ends_with('}'))
    };
    let found = lines[start..].iter().position(closing);
    found.map_or(lines.len() - 1, |found| start + found)
}

fn indentation(code: &str) -> usize {
    code.len() - code.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn test_code_is_told_from_production_code() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {}\n#[cfg(test)]\nmod more;\nfn d() {}\n";
        let source = Source::new("crates/x/src/a.rs", text);
        let production: Vec<usize> = source.production().map(|(number, _)| number).collect();
        assert_eq!(production, [1, 7, 10]);
        assert_eq!(Source::new("crates/x/src/a/tests.rs", text).production().count(), 0);
        assert_eq!(Source::new("tests/e2e/src/lib.rs", text).production().count(), 0);
        assert_eq!(Source::new("tests/s3/src/lib.rs", text).production().count(), 3);
    }

    #[test]
    fn strings_and_comments_are_not_code() {
        let source = Source::new("a.rs", "let a = [\"x\", \"y z\"]; // \"w\"\r\nlet b = 1;\n");
        assert_eq!(source.lines[0].strings, ["x", "y z"]);
        assert_eq!(source.lines[0].code, "let a = [\" \", \"   \"];");
        assert_eq!(source.lines[1].code, "let b = 1;");
    }
}
