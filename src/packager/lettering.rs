//! Words as coverage: outlines of a font's glyphs, filled on a canvas. The font is a file of the system, read as data by
//! code that cannot leave its memory.

use ab_glyph_rasterizer::{Point, Rasterizer, point};
use ttf_parser::{Face, GlyphId, OutlineBuilder, name_id};

use crate::base::error::Result;
use crate::packager::refusal::Refusal;

/// What fonts of several scripts call the faces that draw simplified Chinese.
const SIMPLIFIED: &str = "SC";

/// A face that has every character of the words it was opened for.
pub struct Font<'a>(Face<'a>);

impl<'a> Font<'a> {
    /// The face for simplified Chinese where the file has several, or else the first that has all of `words`.
    pub fn open(file: &'a [u8], words: &str) -> Result<Font<'a>> {
        let count = ttf_parser::fonts_in_collection(file).unwrap_or(1);
        let mut faces: Vec<Face<'a>> = (0..count).filter_map(|place| Face::parse(file, place).ok()).collect();
        // Stable: among equals the order of the file stays.
        faces.sort_by_key(|face| !is_simplified(face));
        if faces.is_empty() {
            return Err(missing("the file is no font that can be read"));
        }
        let lacking = |face: &Face<'a>| words.chars().find(|char| face.glyph_index(*char).is_none());
        let first = faces.first().and_then(&lacking);
        match (faces.into_iter().find(|face| lacking(face).is_none()), first) {
            (Some(face), _) => Ok(Font(face)),
            (None, char) => Err(missing(&format!("it has no glyph for \"{}\"", char.unwrap_or_default()))),
        }
    }

    /// How wide the words are in a size of one pixel.
    fn width_em(&self, words: &str) -> f32 {
        let advances = words.chars().map(|char| f32::from(self.0.glyph_hor_advance(self.glyph(char)).unwrap_or(0)));
        advances.sum::<f32>() / f32::from(self.0.units_per_em())
    }

    fn glyph(&self, char: char) -> GlyphId {
        self.0.glyph_index(char).unwrap_or_default()
    }
}

fn is_simplified(face: &Face<'_>) -> bool {
    let families = face.names().into_iter().filter(|name| name.name_id == name_id::FAMILY);
    families.filter_map(|name| name.to_string()).any(|name| name.split(' ').any(|word| word == SIMPLIFIED))
}

fn missing(why: &str) -> crate::base::error::Error {
    Refusal::CardFontMissing.error(format!(
        "The font for release cards cannot draw this one: {why}. Install a font that has \
         its characters, such as Debian's fonts-noto-cjk."
    ))
}

/// The part of an em that lies above the baseline in fonts of Chinese characters.
const ASCENT_EM: f32 = 0.88;

/// A line of words; sizes and places are in pixels.
pub struct Line<'a> {
    pub words: &'a str,
    pub top: f32,
    pub size: f32,
}

/// A picture of how much of each pixel is ink.
pub struct Canvas {
    width: usize,
    ink: Rasterizer,
}

impl Canvas {
    pub fn new(width: u32, height: u32) -> Canvas {
        Canvas { width: width as usize, ink: Rasterizer::new(width as usize, height as usize) }
    }

    /// The largest size, up to `wanted`, in which the words fit into so many pixels.
    pub fn size_that_fits(font: &Font<'_>, words: &str, wanted: f32, width: f32) -> f32 {
        wanted.min(width / font.width_em(words).max(f32::EPSILON))
    }

    /// Draws a line in the middle of the picture's width.
    pub fn draw(&mut self, font: &Font<'_>, line: &Line<'_>) {
        let scale = line.size / f32::from(font.0.units_per_em());
        let mut x = (self.width as f32 - font.width_em(line.words) * line.size) / 2.0;
        for char in line.words.chars() {
            let glyph = font.glyph(char);
            let from = point(x, line.top + ASCENT_EM * line.size);
            let mut pen = Pen { ink: &mut self.ink, from, scale, at: Point::default(), began: Point::default() };
            font.0.outline_glyph(glyph, &mut pen);
            x += f32::from(font.0.glyph_hor_advance(glyph).unwrap_or(0)) * scale;
        }
    }

    /// Row by row, from 0 to 1.
    pub fn coverage(&self) -> Vec<f32> {
        let (width, height) = self.ink.dimensions();
        let mut cells = vec![0.0; width * height];
        self.ink.for_each_pixel(|place, covered| {
            if let Some(cell) = cells.get_mut(place) {
                *cell = covered.clamp(0.0, 1.0);
            }
        });
        cells
    }
}

/// Follows an outline, whose y grows upwards from the baseline.
struct Pen<'a> {
    ink: &'a mut Rasterizer,
    from: Point,
    scale: f32,
    at: Point,
    began: Point,
}

impl Pen<'_> {
    fn place(&self, x: f32, y: f32) -> Point {
        point(self.from.x + x * self.scale, self.from.y - y * self.scale)
    }
}

impl OutlineBuilder for Pen<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        self.at = self.place(x, y);
        self.began = self.at;
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let to = self.place(x, y);
        self.ink.draw_line(self.at, to);
        self.at = to;
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let to = self.place(x, y);
        self.ink.draw_quad(self.at, self.place(x1, y1), to);
        self.at = to;
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let to = self.place(x, y);
        self.ink.draw_cubic(self.at, self.place(x1, y1), self.place(x2, y2), to);
        self.at = to;
    }

    fn close(&mut self) {
        self.ink.draw_line(self.at, self.began);
        self.at = self.began;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Debian's `fonts-noto-cjk`, which `./dev` installs.
    const FONT: &str = "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc";

    #[test]
    fn simplified_chinese_is_drawn_by_its_own_face() {
        let file = std::fs::read(FONT).expect("apt-get install fonts-noto-cjk");
        let font = Font::open(&file, "网络视听").unwrap();
        assert!(is_simplified(&font.0));
        // An ideograph is an em wide.
        assert!((font.width_em("网络视听") - 4.0).abs() < 0.01);
    }

    #[test]
    fn a_character_that_the_font_lacks_is_named() {
        let file = std::fs::read(FONT).expect("apt-get install fonts-noto-cjk");
        let lacking = Font::open(&file, "网\u{e123}").err().unwrap();
        assert_eq!(lacking.code(), "CARD_FONT_MISSING");
        assert!(lacking.message().contains('\u{e123}') && lacking.message().contains("fonts-noto-cjk"));
        assert_eq!(Font::open(b"no font", "网").err().unwrap().code(), "CARD_FONT_MISSING");
    }

    #[test]
    fn ink_lies_in_the_middle_of_its_line_and_nowhere_else() {
        let file = std::fs::read(FONT).expect("apt-get install fonts-noto-cjk");
        let font = Font::open(&file, "口").unwrap();
        let mut canvas = Canvas::new(100, 80);
        canvas.draw(&font, &Line { words: "口", top: 20.0, size: 40.0 });
        let cells = canvas.coverage();
        let row = |y: usize| &cells[y * 100..(y + 1) * 100];
        let inked: Vec<usize> = (0..80).filter(|&y| row(y).iter().any(|&cell| cell > 0.5)).collect();
        assert!(inked[0] >= 20 && inked[inked.len() - 1] <= 60, "{inked:?}");
        let middle = row(40);
        let places: Vec<usize> = (0..100).filter(|&x| middle[x] > 0.5).collect();
        assert!(places[0] >= 30 && places[places.len() - 1] < 70, "{places:?}");
        assert!(middle[50] < 0.01, "a mouth is open: {}", middle[50]);
        assert!((places[0] as i64 - (99 - places[places.len() - 1]) as i64).abs() <= 1, "{places:?}");
    }

    #[test]
    fn words_shrink_until_they_fit() {
        let file = std::fs::read(FONT).expect("apt-get install fonts-noto-cjk");
        let font = Font::open(&file, "雾港孤刀").unwrap();
        let size = |wanted| Canvas::size_that_fits(&font, "雾港孤刀", wanted, 400.0);
        assert!((size(10.0) - 10.0).abs() < 0.01 && (size(200.0) - 100.0).abs() < 0.5);
    }
}
