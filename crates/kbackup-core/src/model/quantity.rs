//! Amounts, as Kubernetes writes them.

use std::str::FromStr;

/// An amount of bytes (or of anything): `10Gi`, `1.5T`, `500M`, `2e9`, `100m`
/// (<https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>). Equal amounts are equal however
/// they are written.
///
/// ```
/// use kbackup_core::model::Quantity;
///
/// assert_eq!("1Gi".parse::<Quantity>()?, "1024Mi".parse()?);
/// assert!("1G".parse::<Quantity>()? < "1Gi".parse()?);
/// # Ok::<(), kbackup_core::model::QuantityError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity {
    /// Thousand-millionths: the finest that Kubernetes keeps.
    nanos: u128,
}

/// Text that is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an amount (write it like 10Gi, 500M or 2e9)")]
pub struct QuantityError(String);

const NANOS: u128 = 1_000_000_000;
/// What stands behind the number, and by how many nanos it multiplies.
const UNITS: [(&str, u128); 16] = [
    ("", NANOS),
    ("n", 1),
    ("u", 1_000),
    ("m", 1_000_000),
    ("k", 1_000 * NANOS),
    ("M", 1_000_000 * NANOS),
    ("G", 1_000_000_000 * NANOS),
    ("T", 1_000_000_000_000 * NANOS),
    ("P", 1_000_000_000_000_000 * NANOS),
    ("E", 1_000_000_000_000_000_000 * NANOS),
    ("Ki", NANOS << 10),
    ("Mi", NANOS << 20),
    ("Gi", NANOS << 30),
    ("Ti", NANOS << 40),
    ("Pi", NANOS << 50),
    ("Ei", NANOS << 60),
];

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || QuantityError(text.to_owned());
        let trimmed = text.trim().trim_start_matches('+');
        let end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let scale = scale(unit).ok_or_else(error)?;
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || fraction.contains('.') {
            return Err(error());
        }
        let places = u32::try_from(fraction.len()).ok().and_then(|places| 10_u128.checked_pow(places));
        let product = digits.parse::<u128>().ok().and_then(|digits| digits.checked_mul(scale));
        let nanos = product.zip(places).map(|(product, places)| product.div_ceil(places)).ok_or_else(error)?;
        Ok(Self { nanos })
    }
}

/// By how many nanos a unit multiplies, or an exponent (`e9`).
fn scale(unit: &str) -> Option<u128> {
    if let Some(exponent) = unit.strip_prefix(['e', 'E']).filter(|exponent| !exponent.is_empty() && *exponent != "i") {
        return exponent.parse().ok().and_then(|exponent| 10_u128.checked_pow(exponent))?.checked_mul(NANOS);
    }
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(text: &str) -> u128 {
        text.parse::<Quantity>().expect(text).nanos
    }

    #[test]
    fn amounts() {
        for (text, expect) in [
            ("0", 0),
            ("1", NANOS),
            ("+2", 2 * NANOS),
            ("100m", NANOS / 10),
            ("1.5Gi", (3 << 29) * NANOS),
            ("0.5", NANOS / 2),
            (".5", NANOS / 2),
            ("5.", 5 * NANOS),
            ("2e9", 2_000_000_000 * NANOS),
            ("1E3", 1_000 * NANOS),
            ("1E", 1_000_000_000_000_000_000 * NANOS),
            ("8Ei", (8 << 60) * NANOS),
            ("1n", 1),
        ] {
            assert_eq!(nanos(text), expect, "{text}");
        }
        for text in
            ["", ".", "Gi", "1 Gi", "1gi", "1KiB", "-1", "1.2.3", "1e", "1e-3", "ten", "9999999999999999999999E"]
        {
            assert!(text.parse::<Quantity>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn amounts_compare() {
        assert!(nanos("1000Mi") < nanos("1Gi") && nanos("1Gi") < nanos("1.1G"));
    }
}
