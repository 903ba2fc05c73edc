//! The command in an annotation.

/// The program and its arguments: a JSON array of texts, or any other text as a program without arguments. There is no
/// shell, as in Velero.
///
/// # Errors
/// In words, where it is empty, or begins like an array and is none.
///
/// ```
/// use kbackup_core::hook::parse_command;
///
/// assert_eq!(parse_command(r#"["sh", "-c", "sync"]"#)?, ["sh", "-c", "sync"]);
/// assert_eq!(parse_command("/bin/freeze all")?, ["/bin/freeze all"]);
/// assert!(parse_command("[sync]").is_err());
/// # Ok::<(), String>(())
/// ```
pub fn parse_command(text: &str) -> Result<Vec<String>, String> {
    let text = text.trim();
    if !text.starts_with('[') {
        return if text.is_empty() { Err("the command is empty".to_owned()) } else { Ok(vec![text.to_owned()]) };
    }
    let words: Vec<String> = serde_json::from_str(text)
        .map_err(|error| format!("the command begins like a JSON array of texts and is none ({error}): {text}"))?;
    match words.first().is_some_and(|program| !program.is_empty()) {
        true => Ok(words),
        false => Err(format!("the command names no program: {text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        let check = |text: &str, expect: Result<&[&str], &str>| match (parse_command(text), expect) {
            (Ok(words), Ok(expect)) => assert_eq!(words, expect, "{text:?}"),
            (Err(error), Err(expect)) => assert!(error.contains(expect), "{text:?}: {error}"),
            (got, expect) => panic!("{text:?}: {got:?}, not {expect:?}"),
        };
        check("sync", Ok(&["sync"]));
        check(" sync now ", Ok(&["sync now"]));
        check(r#"["a"]"#, Ok(&["a"]));
        check(r#"["a", "b c", ""]"#, Ok(&["a", "b c", ""]));
        check("", Err("empty"));
        check("  ", Err("empty"));
        check("[]", Err("no program"));
        check(r#"[""]"#, Err("no program"));
        check("[a]", Err("JSON array"));
        check("[1]", Err("JSON array"));
        check(r#"["a""#, Err("JSON array"));
    }
}
