//! The letters of line 21 (CTA-608-E, tables 50 and following): ASCII with exceptions, and two further sets.

/// A byte from 0x20 to 0x7f.
pub fn standard(byte: u8) -> char {
    match byte {
        0x27 => '’',
        0x2a => 'á',
        0x5c => 'é',
        0x5e => 'í',
        0x5f => 'ó',
        0x60 => 'ú',
        0x7b => 'ç',
        0x7c => '÷',
        0x7d => 'Ñ',
        0x7e => 'ñ',
        0x7f => '█',
        byte => char::from(byte),
    }
}

/// The second byte, from 0x30 to 0x3f, of a special character; the tenth is a transparent space.
pub fn special(second: u8) -> char {
    const SPECIAL: [char; 16] = ['®', '°', '½', '¿', '™', '¢', '£', '♪', 'à', ' ', 'è', 'â', 'ê', 'î', 'ô', 'û'];
    SPECIAL[usize::from(second & 0x0f)]
}

/// Of an extended character: the first byte chooses the set, the second, from 0x20 to 0x3f, the letter in it.
pub fn extended(first: u8, second: u8) -> char {
    const SPANISH_AND_FRENCH: [char; 32] = [
        'Á', 'É', 'Ó', 'Ú', 'Ü', 'ü', '‘', '¡', '*', '\'', '—', '©', '℠', '•', '“', '”', 'À', 'Â', 'Ç', 'È', 'Ê', 'Ë',
        'ë', 'Î', 'Ï', 'ï', 'Ô', 'Ù', 'ù', 'Û', '«', '»',
    ];
    const PORTUGUESE_AND_GERMAN: [char; 32] = [
        'Ã', 'ã', 'Í', 'Ì', 'ì', 'Ò', 'ò', 'Õ', 'õ', '{', '}', '\\', '^', '_', '|', '~', 'Ä', 'ä', 'Ö', 'ö', 'ß', '¥',
        '¤', '│', 'Å', 'å', 'Ø', 'ø', '┌', '┐', '└', '┘',
    ];
    let set = if first == 0x12 { &SPANISH_AND_FRENCH } else { &PORTUGUESE_AND_GERMAN };
    set[usize::from(second & 0x1f)]
}
