//! The rows of a table as CSV text: the bytes of pandas' `to_csv`.
//!
//! Integers are decimal, booleans `True` and `False`, NaN is empty. Other floats are as Python's `repr` has them: the shortest
//! digits that read back as the same number, of several such the nearest to it, and with an exponent of two digits or more
//! below 1e-4 and from 1e16 on. The shortest digits come from `zmij` (Schubfach), the layout from here.
//!
//! Time is about 20 ns a number. Pieces of rows are formatted in parallel; the text of each grows by fallible allocation.

use std::ops::Range;

use rayon::prelude::*;

use crate::support::allocate::{Grow, make_room};
use crate::support::errors::{Error, Result};
use crate::support::threads::Monitor;

/// What the text is called when there is no memory for it.
const TEXT: &str = "the text of a table";

/// Rows of a piece, which one thread formats.
const PIECE: usize = 1 << 11;

/// No number and its separator need more bytes: a float has a sign, 17 digits, a point and an exponent of 5.
const WIDEST: usize = 32;

/// The values of a column.
#[derive(Debug, Clone, Copy)]
pub enum Column<'a> {
    /// Numbers of double precision.
    Floats(&'a [f64]),
    /// Integers of 64 bits.
    Integers(&'a [i64]),
    /// Integers of 32 bits.
    Narrow(&'a [i32]),
    /// Booleans, true where not 0.
    Booleans(&'a [u8]),
}

impl Column<'_> {
    /// The number of rows.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "nothing asks")]
    pub fn len(&self) -> usize {
        match self {
            Self::Floats(values) => values.len(),
            Self::Integers(values) => values.len(),
            Self::Narrow(values) => values.len(),
            Self::Booleans(values) => values.len(),
        }
    }
}

/// The text of all rows, each ended by a line feed.
///
/// # Errors
/// [`Error::InvalidArgument`] if columns differ in length or there are none, [`Error::OutOfMemory`], [`Error::Interrupted`].
pub fn rows(columns: &[Column<'_>], monitor: &Monitor) -> Result<Vec<u8>> {
    let count = columns.first().map_or(0, Column::len);
    if columns.is_empty() || columns.iter().any(|column| column.len() != count) {
        let reason = "expected one or more, of equal lengths".to_owned();
        return Err(Error::InvalidArgument { name: "columns", reason });
    }
    let pieces: Vec<Vec<u8>> = (0..count.div_ceil(PIECE))
        .into_par_iter()
        .map(|piece| {
            monitor.check()?;
            piece_of_rows(columns, piece * PIECE..count.min((piece + 1) * PIECE))
        })
        .collect::<Result<_>>()?;
    let mut text = Vec::new();
    make_room(TEXT, &mut text, pieces.iter().map(Vec::len).sum())?;
    for piece in &pieces {
        text.try_extend_from_slice(TEXT, piece)?;
    }
    Ok(text)
}

fn piece_of_rows(columns: &[Column<'_>], rows: Range<usize>) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for row in rows {
        if text.capacity() - text.len() < columns.len() * WIDEST {
            make_room(TEXT, &mut text, columns.len() * WIDEST)?;
        }
        // The room is there: nothing below allocates.
        for column in columns {
            match column {
                Column::Floats(values) => put_float(&mut text, values[row]),
                Column::Integers(values) => put_integer(&mut text, values[row]),
                Column::Narrow(values) => put_integer(&mut text, values[row].into()),
                Column::Booleans(values) => text.extend(if values[row] == 0 { &b"False"[..] } else { b"True" }),
            }
            text.push(b',');
        }
        if let Some(last) = text.last_mut() {
            *last = b'\n';
        }
    }
    Ok(text)
}

/// Appends a number as Python's `repr` has it; nothing for NaN.
fn put_float(text: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        return;
    }
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format(value).as_bytes();
    let size = value.abs();
    if size == 0.0 || size >= 1e-4 {
        text.extend(shortest);
        return;
    }
    // Here zmij writes 0.000012 and 1.2e-8 where Python writes 1.2e-05 and 1.2e-08.
    let (sign, digits) = shortest.split_at(usize::from(value < 0.0));
    text.extend(sign);
    if let Some(fraction) = digits.strip_prefix(b"0.0000") {
        text.push(fraction[0]);
        if fraction.len() > 1 {
            text.push(b'.');
            text.extend(&fraction[1..]);
        }
        text.extend(b"e-05");
    } else if let [mantissa @ .., b'e', b'-', digit] = digits {
        text.extend(mantissa);
        text.extend([b'e', b'-', b'0', *digit]);
    } else {
        text.extend(digits);
    }
}

fn put_integer(text: &mut Vec<u8>, value: i64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut left = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if value < 0 {
        text.push(b'-');
    }
    text.extend(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;

    use super::*;

    fn float(value: f64) -> String {
        let mut text = Vec::new();
        put_float(&mut text, value);
        String::from_utf8(text).unwrap()
    }

    /// The layout of Python's `repr` from the digits of the standard library.
    fn plain(value: f64) -> String {
        if value.is_nan() {
            return String::new();
        }
        if value.is_infinite() || value == 0.0 || (1e-4..1e16).contains(&value.abs()) {
            return format!("{value:?}");
        }
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap();
        let exponent: i32 = exponent.parse().unwrap();
        format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
    }

    /// Whether the text is the plain one. Of two texts at the same distance Python takes the even digit, Rust may take the other.
    fn is_as_python_writes(value: f64) -> bool {
        let (text, plain) = (float(value), plain(value));
        let last = text.split('e').next().and_then(|mantissa| mantissa.bytes().last());
        let is_even = last.is_some_and(|digit| digit % 2 == 0);
        text == plain || text.len() == plain.len() && text.parse() == Ok(value) && is_even
    }

    #[test]
    fn floats_as_python_writes_them() {
        for (value, text) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (-1.25e-5, "-1.25e-05"),
            (9.999_999e-5, "9.999999e-05"),
            (1.5e-10, "1.5e-10"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1_881_242_132_405_585.0 + 0.25, "1881242132405585.2"),
            (1.7e308, "1.7e+308"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, ""),
        ] {
            assert_eq!(float(value), text);
        }
    }

    proptest! {
        #[test]
        fn floats_of_any_bits(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assert!(is_as_python_writes(value), "{} {}", float(value), plain(value));
        }

        #[test]
        fn floats_of_usual_sizes(value in -1e7..1e7, power in -12..12) {
            let value = value * 10f64.powi(power);
            prop_assert!(is_as_python_writes(value), "{} {}", float(value), plain(value));
        }

        #[test]
        fn integers(value: i64) {
            let mut text = Vec::new();
            put_integer(&mut text, value);
            prop_assert_eq!(String::from_utf8(text).unwrap(), value.to_string());
        }

        #[test]
        fn rows_of_all_kinds(values in prop::collection::vec((any::<f64>(), any::<i64>(), any::<i32>(), any::<bool>()), 0..9)) {
            let times = 2 * PIECE / 5;
            let floats: Vec<f64> = values.iter().map(|row| row.0).collect::<Vec<_>>().repeat(times);
            let wide: Vec<i64> = values.iter().map(|row| row.1).collect::<Vec<_>>().repeat(times);
            let narrow: Vec<i32> = values.iter().map(|row| row.2).collect::<Vec<_>>().repeat(times);
            let truths: Vec<u8> = values.iter().map(|row| row.3.into()).collect::<Vec<_>>().repeat(times);
            let columns =
                [Column::Floats(&floats), Column::Integers(&wide), Column::Narrow(&narrow), Column::Booleans(&truths)];
            let text = rows(&columns, &Monitor::default()).unwrap();
            let mut expected = String::new();
            for (value, wide, narrow, truth) in values {
                let truth = if truth { "True" } else { "False" };
                writeln!(expected, "{},{wide},{narrow},{truth}", float(value)).unwrap();
            }
            prop_assert_eq!(String::from_utf8(text).unwrap(), expected.repeat(times));
        }
    }

    #[test]
    fn columns_of_different_lengths() {
        for columns in [&[][..], &[Column::Floats(&[1.0]), Column::Narrow(&[1, 2])]] {
            assert!(matches!(rows(columns, &Monitor::default()), Err(Error::InvalidArgument { .. })));
        }
    }
}
