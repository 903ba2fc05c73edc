//! Verb-first command lines, as Velero's users write them.

use std::ffi::OsString;

const VERBS: [&str; 4] = ["create", "get", "describe", "delete"];
const NOUNS: [(&str, &str); 8] = [
    ("backup", "backup"),
    ("backups", "backup"),
    ("restore", "restore"),
    ("restores", "restore"),
    ("schedule", "schedule"),
    ("schedules", "schedule"),
    ("location", "location"),
    ("locations", "location"),
];

/// `kbackup keygen -o FILE` becomes `kbackup keygen --out FILE`: everywhere else `-o` is the format of the output, and a
/// command line has one meaning for a flag.
pub(super) fn keygen_out(mut words: Vec<OsString>) -> Vec<OsString> {
    let is_flag = |word: &OsString| word.to_string_lossy().starts_with('-');
    let noun = words.iter().skip(1).position(|word| !is_flag(word)).map_or(words.len(), |at| at + 1);
    if words.get(noun).is_none_or(|word| word != "keygen") {
        return words;
    }
    for word in &mut words[noun + 1..] {
        let Some(text) = word.to_str().map(str::to_owned) else { continue };
        match (text.as_str(), text.strip_prefix("--output="), text.strip_prefix("-o")) {
            ("-o" | "--output", ..) => *word = "--out".into(),
            (_, Some(file), _) | (_, None, Some(file)) => {
                *word = format!("--out={}", file.strip_prefix('=').unwrap_or(file)).into();
            }
            _ => {}
        }
    }
    words
}

/// `kbackup get backups …` becomes `kbackup backup get …`: the first verb that a noun follows, where no noun came before.
pub(super) fn noun_first(mut words: Vec<OsString>) -> Vec<OsString> {
    let noun = |word: &OsString| NOUNS.into_iter().find(|(alias, _)| word == alias).map(|(_, noun)| noun);
    let end = words.iter().position(|word| word == "--" || noun(word).is_some()).unwrap_or(words.len());
    let is_verb = |word: &OsString| VERBS.iter().any(|verb| word == verb);
    if let Some(noun) = words.get(end).and_then(noun)
        && end > 0
        && is_verb(&words[end - 1])
    {
        words.swap(end - 1, end);
        words[end - 1] = noun.into();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_to_a_file() {
        for (typed, meant) in [
            ("kbackup keygen -o key", "kbackup keygen --out key"),
            ("kbackup -q keygen --signing -okey", "kbackup -q keygen --signing --out=key"),
            ("kbackup keygen --output=key -q", "kbackup keygen --out=key -q"),
            ("kbackup keygen --out key", "kbackup keygen --out key"),
            ("kbackup backup get keygen -o json", "kbackup backup get keygen -o json"),
        ] {
            let split = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
            assert_eq!(keygen_out(split(typed)), split(meant), "{typed}");
        }
    }

    #[test]
    fn verbs_go_behind_their_noun() {
        for (typed, meant) in [
            ("kbackup get backups", "kbackup backup get"),
            ("kbackup --store x get backup a -o json", "kbackup --store x backup get a -o json"),
            ("kbackup create restore r --from-backup b", "kbackup restore create r --from-backup b"),
            ("kbackup backup create backup", "kbackup backup create backup"),
            ("kbackup backup get", "kbackup backup get"),
            ("kbackup demo", "kbackup demo"),
        ] {
            let split = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
            assert_eq!(noun_first(split(typed)), split(meant), "{typed}");
        }
    }
}
