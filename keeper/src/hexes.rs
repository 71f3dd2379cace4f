//! Bytes as hexadecimal text: `0x` and two digits a byte.

use serde::{Deserialize, Deserializer, Serializer};

/// Why a text is not the bytes that were wanted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HexError {
    /// It does not begin with `0x`.
    #[error("it must begin with 0x")]
    Prefix,
    /// It holds something else than hexadecimal digits, or half a byte.
    #[error("it is not hexadecimal: {0}")]
    Digits(hex::FromHexError),
    /// It is too short or too long.
    #[error("it has {got} bytes where {want} are wanted")]
    Length {
        /// Bytes given.
        got: usize,
        /// Bytes wanted.
        want: usize,
    },
}

/// The text of `bytes`.
#[must_use]
pub fn show(bytes: impl AsRef<[u8]>) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// The bytes of `text`.
///
/// # Errors
/// See [`HexError`].
pub fn parse_vec(text: &str) -> Result<Vec<u8>, HexError> {
    let digits = text.strip_prefix("0x").ok_or(HexError::Prefix)?;
    hex::decode(digits).map_err(HexError::Digits)
}

/// The `N` bytes of `text`.
///
/// # Errors
/// See [`HexError`].
pub fn parse<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    let bytes = parse_vec(text)?;
    let got = bytes.len();
    bytes
        .try_into()
        .map_err(|_| HexError::Length { got, want: N })
}

/// For `#[serde(with = "hexes")]` on arrays and byte vectors.
///
/// # Errors
/// The serializer's.
pub fn serialize<S: Serializer>(bytes: impl AsRef<[u8]>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&show(bytes))
}

/// For `#[serde(with = "hexes")]` on arrays and byte vectors.
///
/// # Errors
/// What is wrong with the text.
pub fn deserialize<'de, D: Deserializer<'de>, T: TryFrom<Vec<u8>>>(from: D) -> Result<T, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
    let bytes = parse_vec(&text).map_err(serde::de::Error::custom)?;
    let got = bytes.len();
    T::try_from(bytes).map_err(|_| {
        serde::de::Error::custom(format_args!("{got} bytes, which is not the length wanted"))
    })
}

/// For `#[serde(with = "hexes::address")]`: an address that must begin with `0x`, as
/// every other hexadecimal text here.
pub mod address {
    use plimsoll_interface::H160;
    use serde::{Deserializer, Serializer};

    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(address: &H160, to: S) -> Result<S::Ok, S::Error> {
        super::serialize(address.0, to)
    }

    /// # Errors
    /// What is wrong with the text.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<H160, D::Error> {
        super::deserialize::<D, [u8; 20]>(from).map(H160)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_go_both_ways() {
        assert_eq!(parse::<2>(&show([1, 255])), Ok([1, 255]));
        assert_eq!(parse_vec("0x"), Ok(Vec::new()));
    }

    #[test]
    fn a_wrong_text_says_what_is_wrong_with_it() {
        assert_eq!(parse::<1>("01"), Err(HexError::Prefix));
        assert_eq!(
            parse::<1>("0x0102"),
            Err(HexError::Length { got: 2, want: 1 })
        );
        assert!(matches!(parse::<1>("0xzz"), Err(HexError::Digits(_))));
        assert!(matches!(parse::<1>("0x1"), Err(HexError::Digits(_))));
    }
}
