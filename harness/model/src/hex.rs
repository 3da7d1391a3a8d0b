//! Octets as hexadecimal digits.

/// The digits of octets.
pub(crate) fn write(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    octets
        .iter()
        .flat_map(|octet| [digit(octet >> 4), digit(*octet)])
        .collect()
}

/// The octets of digits, if these are pairs of 0-9, a-f and nothing else: a sign is no digit.
pub(crate) fn read(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: char| digit.to_digit(16).and_then(|value| u8::try_from(value).ok());
    let digits: Vec<u8> = text.chars().map(digit).collect::<Option<_>>()?;
    let is_even = digits.len().is_multiple_of(2);
    is_even.then(|| {
        digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect()
    })
}
