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
