//! Variable-length integers: seven bits per byte, the lowest first; the eighth bit marks that more follow.
//!
//! Most numbers of a chunk graph are small differences. Signed ones are zigzag-encoded (0, −1, 1, −2, …).

use crate::support::allocate::{Grow, try_copy};
use crate::support::errors::{Error, Result};

/// What the buffers are for.
const BYTES: &str = "the bytes of a chunk graph";

/// Writes numbers one after the other; the first failed allocation is reported at the end.
#[derive(Debug)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    result: Result<()>,
}

impl Default for Writer {
    fn default() -> Self {
        Self { bytes: Vec::new(), result: Ok(()) }
    }
}

impl Writer {
    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    pub(super) fn wide(&mut self, number: u128) {
        self.number(number as u64);
        self.number((number >> 64) as u64);
    }

    /// The difference from a number to the next, either of which may be larger.
    pub(super) fn difference(&mut self, from: u64, to: u64) {
        let step = to.wrapping_sub(from) as i64;
        self.number((step << 1 ^ step >> 63) as u64);
    }

    pub(super) fn double(&mut self, number: f64) {
        self.bits(number.to_bits());
    }

    pub(super) fn bits(&mut self, bits: u64) {
        self.slice(&bits.to_le_bytes());
    }

    pub(super) fn byte(&mut self, byte: u8) {
        if let Err(error) = self.bytes.try_push(BYTES, byte) {
            self.result = Err(error);
        }
    }

    pub(super) fn slice(&mut self, bytes: &[u8]) {
        if let Err(error) = self.bytes.try_extend_from_slice(BYTES, bytes) {
            self.result = Err(error);
        }
    }

    /// What was written.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if some of it was not.
    pub(super) fn finish(mut self) -> Result<Vec<u8>> {
        self.result?;
        self.bytes.shrink_to_fit();
        Ok(self.bytes)
    }
}

/// Reads what a [`Writer`] wrote; every method fails where the bytes end or make no sense.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(super) fn damaged() -> Error {
        let reason = "expected the bytes of a chunk graph, got others or damaged ones".to_owned();
        Error::InvalidArgument { name: "buffer", reason }
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        let (&byte, rest) = self.bytes.split_first().ok_or_else(Self::damaged)?;
        self.bytes = rest;
        Ok(byte)
    }

    pub(super) fn slice(&mut self, length: usize) -> Result<&'a [u8]> {
        let (slice, rest) = self.bytes.split_at_checked(length).ok_or_else(Self::damaged)?;
        self.bytes = rest;
        Ok(slice)
    }

    /// A copy of the next bytes.
    pub(super) fn copy(&mut self, length: usize) -> Result<Vec<u8>> {
        try_copy(BYTES, self.slice(length)?)
    }

    pub(super) fn number(&mut self) -> Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            number |= bits << shift;
            if bits << shift >> shift != bits {
                return Err(Self::damaged());
            }
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Self::damaged())
    }

    /// How many things follow, of at least `size` bytes each, so that no more is reserved than the bytes can fill.
    pub(super) fn count(&mut self, size: usize) -> Result<usize> {
        let count = usize::try_from(self.number()?).map_err(|_| Self::damaged())?;
        if count.checked_mul(size).is_none_or(|bytes| bytes > self.bytes.len()) {
            return Err(Self::damaged());
        }
        Ok(count)
    }

    pub(super) fn wide(&mut self) -> Result<u128> {
        Ok(u128::from(self.number()?) | u128::from(self.number()?) << 64)
    }

    pub(super) fn difference(&mut self, from: u64) -> Result<u64> {
        let folded = self.number()?;
        Ok(from.wrapping_add(folded >> 1 ^ (folded & 1).wrapping_neg()))
    }

    pub(super) fn double(&mut self) -> Result<f64> {
        Ok(f64::from_bits(self.bits()?))
    }

    pub(super) fn bits(&mut self) -> Result<u64> {
        let bytes = self.slice(8)?;
        Ok(u64::from_le_bytes(bytes.try_into().map_err(|_| Self::damaged())?))
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.bytes.len()
    }

    /// Checks that nothing is left.
    pub(super) fn end(&self) -> Result<()> {
        if self.bytes.is_empty() { Ok(()) } else { Err(Self::damaged()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_was_written() {
        let numbers = [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX];
        let mut writer = Writer::default();
        for number in numbers {
            writer.number(number);
            writer.difference(1 << 40, number);
            writer.wide(u128::from(number) << 60);
            writer.bits(number);
        }
        let bytes = writer.finish().unwrap();
        let mut reader = Reader::new(&bytes);
        for number in numbers {
            assert_eq!(reader.number(), Ok(number));
            assert_eq!(reader.difference(1 << 40), Ok(number));
            assert_eq!(reader.wide(), Ok(u128::from(number) << 60));
            assert_eq!(reader.bits(), Ok(number));
        }
        assert_eq!(reader.end(), Ok(()));
        assert!(reader.byte().is_err());
        assert!(Reader::new(&[0xff; 10]).number().is_err());
        assert!(Reader::new(&[0x80; 12]).number().is_err());
    }
}
