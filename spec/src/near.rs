//! "Did you mean": the nearest of some names.

/// The name of `names` that `wrong` is most likely a slip of, if there is one.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = wrong.chars().count();
    if length > 100 {
        return None;
    }
    // A slip in five letters; longer names bear more of them.
    let limit = if length < 3 { 0 } else { (length / 4).clamp(1, 3) };
    names
        .into_iter()
        .take(500)
        .filter(|name| *name != wrong && name.chars().count().abs_diff(length) <= limit)
        .map(|name| (if name.eq_ignore_ascii_case(wrong) { 0 } else { distance(wrong, name) }, name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from one to the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_its_name() {
        let names = ["description", "title", "payload"];
        assert_eq!(nearest("descripton", names), Some("description"));
        assert_eq!(nearest("tilte", names), Some("title"));
        assert_eq!(nearest("Title", names), Some("title"));
        assert_eq!(nearest("address", names), None);
        assert_eq!(nearest("T", ["S"]), None);
    }
}
