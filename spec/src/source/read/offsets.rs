//! Character counts, which the YAML scanner gives, to byte offsets, which spans hold.

/// Converts character indices of one text to byte offsets, in any order. Most texts have few characters of more than
/// one byte, so it is them that are remembered.
pub(super) struct Offsets {
    base: usize,
    length: usize,
    /// For each character of more than one byte, the index behind it and how many bytes more than characters the text
    /// has up to there.
    surplus: Vec<(u32, u32)>,
}

impl Offsets {
    /// For a text that begins at the byte `base` of its file.
    pub(super) fn new(text: &str, base: usize) -> Self {
        let mut surplus = Vec::new();
        if !text.is_ascii() {
            let mut more = 0;
            for (at, c) in non_ascii(text) {
                let index = at as u32 - more;
                more += c.len_utf8() as u32 - 1;
                surplus.push((index + 1, more));
            }
        }
        Offsets { base, length: text.len(), surplus }
    }

    /// The byte offset in the file of the character at `index`; behind the end counts as the end.
    pub(super) fn byte(&self, index: usize) -> usize {
        let before = self.surplus.partition_point(|(behind, _)| *behind as usize <= index);
        let more = before.checked_sub(1).map_or(0, |last| self.surplus[last].1 as usize);
        self.base + (index + more).min(self.length)
    }
}

/// The characters of more than one byte, with their byte offsets.
fn non_ascii(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    let is_first = |byte: u8| byte >= 0b1100_0000;
    let starts = text.bytes().enumerate().filter(move |(_, byte)| is_first(*byte)).map(|(at, _)| at);
    starts.filter_map(|at| Some((at, text[at..].chars().next()?)))
}

#[cfg(test)]
mod tests {
    use super::Offsets;

    #[test]
    fn every_character_is_found() {
        for text in ["", "plain", &"äöü€😀x".repeat(50)] {
            let offsets = Offsets::new(text, 3);
            for (index, (byte, _)) in text.char_indices().enumerate() {
                assert_eq!(offsets.byte(index), byte + 3);
            }
            assert_eq!(offsets.byte(text.chars().count()), text.len() + 3);
            assert_eq!(offsets.byte(text.len() + 1000), text.len() + 3);
        }
    }
}
