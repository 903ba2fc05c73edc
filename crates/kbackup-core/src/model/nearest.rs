//! How far one word is from another: for every "did you mean".

/// The number of letters to insert, delete, change or swap with their neighbour to turn `a` into `b`
/// (optimal string alignment distance).
///
/// ```
/// use kbackup_core::model::edit_distance;
///
/// assert_eq!(edit_distance("deplyoments", "deployments"), 1);
/// ```
#[must_use]
pub fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let substitute = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = substitute.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// The names closest to `word`, best first, at most three; none that is further than a third of the word away.
///
/// ```
/// use kbackup_core::model::nearest;
///
/// assert_eq!(nearest("nigthly", ["nightly", "weekly"]), ["nightly"]);
/// ```
#[must_use]
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let limit = word.chars().count().div_ceil(3).max(1);
    let mut near: Vec<(usize, &str)> = names
        .into_iter()
        .map(|name| (edit_distance(word, name), name))
        .filter(|(distance, name)| *distance <= limit || (word.len() > 3 && name.starts_with(word)))
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}
