//! Character counts, which the YAML scanner gives, to byte offsets, which spans hold.

/// Every so many characters the byte offset is remembered.
const STRIDE: usize = 64;

/// Converts character indices of one text to byte offsets, in constant time and any order.
pub(super) struct Offsets<'a> {
    text: &'a str,
    base: usize,
    /// Byte offsets of the characters 0, 64, 128, …; empty when every character is one byte.
    checkpoints: Vec<u32>,
}

impl<'a> Offsets<'a> {
    /// For a text that begins at the byte `base` of its file.
    pub(super) fn new(text: &'a str, base: usize) -> Self {
        let checkpoints = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().step_by(STRIDE).map(|(offset, _)| offset as u32).collect()
        };
        Offsets { text, base, checkpoints }
    }

    /// The byte offset in the file of the character at `index`; behind the end counts as the end.
    pub(super) fn byte(&self, index: usize) -> usize {
        if self.checkpoints.is_empty() {
            return self.base + index.min(self.text.len());
        }
        let Some(&checkpoint) = self.checkpoints.get(index / STRIDE) else { return self.base + self.text.len() };
        let rest = &self.text[checkpoint as usize..];
        let within = rest.char_indices().nth(index % STRIDE).map_or(rest.len(), |(offset, _)| offset);
        self.base + checkpoint as usize + within
    }
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
