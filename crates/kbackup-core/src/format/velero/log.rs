//! The log that Velero keeps with a backup: lines of `key=value`, as logrus writes them.

use jiff::Timestamp;

use super::VeleroLayout;
use super::read::read_small;
use crate::event::{Level, LogLine};
use crate::format::{FormatError, Manifest};
use crate::store::ObjectStore;

/// What Velero told while it made a backup; nothing where it kept no log.
pub(in crate::format) async fn read_log(
    store: &dyn ObjectStore,
    manifest: &Manifest,
) -> Result<Vec<LogLine>, FormatError> {
    let key = VeleroLayout::new(&manifest.name).file("logs.gz");
    let bytes = read_small(store, &manifest.name, &key).await?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().filter(|line| !line.trim().is_empty()).map(|line| parse(line, manifest.started_at)).collect())
}

/// A line of it. What is not as expected is told as it stands, with the time at which the backup began.
fn parse(line: &str, began: Timestamp) -> LogLine {
    let fields = fields(line);
    let field = |name: &str| fields.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
    let Some(message) = field("msg") else { return LogLine::new(began, Level::Info, line) };
    let level = match field("level") {
        Some("warning") => Level::Warning,
        Some("error" | "fatal" | "panic") => Level::Error,
        _ => Level::Info,
    };
    let at = field("time").and_then(|time| time.parse().ok()).unwrap_or(began);
    let about = ["error", "resource", "namespace", "name"];
    let rest: Vec<String> = about.iter().filter_map(|key| Some(format!("{key}={}", field(key)?))).collect();
    let rest = if rest.is_empty() { String::new() } else { format!(" ({})", rest.join(", ")) };
    LogLine::new(at, level, format!("{message}{rest}"))
}

/// The fields of a line: `key=word`, or `key="text"` with what Go escapes in a text.
fn fields(line: &str) -> Vec<(&str, String)> {
    let (mut rest, mut fields) = (line, Vec::new());
    while let Some((key, after)) = rest.split_once('=') {
        let (value, left) = match after.strip_prefix('"') {
            Some(text) => quoted(text),
            None => {
                let (word, left) = after.split_once(' ').unwrap_or((after, ""));
                (word.to_owned(), left)
            }
        };
        fields.push((key.trim_start(), value));
        rest = left;
    }
    fields
}

/// A text up to its closing quote, and what is behind that.
fn quoted(text: &str) -> (String, &str) {
    let (mut value, mut chars) = (String::new(), text.char_indices());
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (value, &text[at + 1..]),
            // A log line is one line: a line break in a message is a space here.
            '\\' => {
                let escaped = chars.next().map(|(_, escaped)| escaped);
                value.extend(escaped.map(|escaped| if matches!(escaped, 'n' | 't') { ' ' } else { escaped }));
            }
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_logrus_are_understood() {
        let began: Timestamp = "2026-11-25T00:00:00Z".parse().expect("a time");
        for (line, at, level, message) in [
            (
                r#"time="2026-11-25T01:02:03Z" level=info msg="Backing up item" backup=velero/a name=web namespace=shop resource=pods"#,
                "2026-11-25T01:02:03Z",
                Level::Info,
                "Backing up item (resource=pods, namespace=shop, name=web)",
            ),
            (
                r#"time="2026-11-25T01:02:03Z" level=error msg="it said \"no\"\nand went" error="exit 1""#,
                "2026-11-25T01:02:03Z",
                Level::Error,
                "it said \"no\" and went (error=exit 1)",
            ),
            (r#"level=warning msg=careful"#, "2026-11-25T00:00:00Z", Level::Warning, "careful"),
            ("a stack trace", "2026-11-25T00:00:00Z", Level::Info, "a stack trace"),
            (r#"time="never" msg="cut"#, "2026-11-25T00:00:00Z", Level::Info, "cut"),
        ] {
            let parsed = parse(line, began);
            assert_eq!((parsed.at.to_string().as_str(), parsed.level, parsed.message.as_str()), (at, level, message));
        }
    }
}
