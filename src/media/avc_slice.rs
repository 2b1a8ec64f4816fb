//! H.264 slice headers (ITU-T H.264, 7.3.3), as far as it takes to know where each ends: Common Encryption leaves a slice's
//! header readable and seals what follows (ISO/IEC 23001-7, 9.5).

use std::collections::BTreeMap;

use crate::base::error::Result;
use crate::media::avc::{AvcConfig, NAL_IDR, NAL_PPS, NAL_SPS, nal_type};
use crate::media::bits::BitReader;
use crate::media::malformed;

const NAL_SLICE: u8 = 1;
/// A picture refers to at most 32 fields (7.4.3).
const REFERENCES_MAX: u32 = 32;
/// Profiles whose sequence parameter sets say the chroma format (7.3.2.1.1).
const HIGH_PROFILES: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// The parameter sets of a track, as far as they shape its slice headers.
#[derive(Clone, Debug)]
pub struct SliceHeaders {
    pictures: BTreeMap<u32, Picture>,
}

/// A picture parameter set with the sequence parameter set it names.
#[derive(Clone, Copy, Debug)]
struct Picture {
    sequence: Sequence,
    entropy_coding_mode: bool,
    bottom_field_pic_order: bool,
    references: [u32; 2],
    weighted_pred: bool,
    weighted_bipred_idc: u32,
    deblocking_filter_control: bool,
    redundant_pic_cnt: bool,
}

#[derive(Clone, Copy, Debug)]
struct Sequence {
    separate_colour_planes: bool,
    has_chroma: bool,
    frame_num_bits: u32,
    pic_order: PicOrder,
    frame_mbs_only: bool,
}

#[derive(Clone, Copy, Debug)]
enum PicOrder {
    Lsb { bits: u32 },
    Deltas,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SliceType {
    P,
    B,
    I,
    Sp,
    Si,
}

impl SliceHeaders {
    pub fn new(config: &AvcConfig) -> Result<SliceHeaders> {
        let mut sequences = BTreeMap::new();
        let mut pictures = BTreeMap::new();
        for set in config.parameter_sets() {
            match nal_type(set) {
                NAL_SPS => {
                    let (id, sequence) = read_sequence(set)?;
                    sequences.insert(id, sequence);
                }
                NAL_PPS => {
                    let (id, picture) = read_picture(set, &sequences)?;
                    pictures.insert(id, picture);
                }
                _ => {}
            }
        }
        Ok(SliceHeaders { pictures })
    }

    /// How many bytes of `unit` stay readable: of a slice the NAL unit header and every byte that its slice header
    /// reaches into. `None` where no picture is coded in it.
    pub fn clear_bytes(&self, unit: &[u8]) -> Result<Option<usize>> {
        match nal_type(unit) {
            NAL_SLICE | NAL_IDR => self.slice_header_bytes(unit).map(Some),
            2..=4 => Err(malformed("H.264 with data partitioning.")),
            _ => Ok(None),
        }
    }

    fn slice_header_bytes(&self, unit: &[u8]) -> Result<usize> {
        let (is_idr, is_reference) = (nal_type(unit) == NAL_IDR, unit.first().is_some_and(|byte| byte & 0x60 != 0));
        let mut bits = BitReader::new(unit);
        bits.bits(8)?;
        bits.unsigned()?; // first_mb_in_slice
        let slice = SliceType::from_code(bits.unsigned()?)?;
        let id = bits.unsigned()?;
        let picture = self.pictures.get(&id);
        let picture =
            picture.ok_or_else(|| malformed(format!("A slice of the missing picture parameter set {id}.")))?;
        let is_field = skip_place(&mut bits, picture, is_idr)?;
        skip_order(&mut bits, picture, is_field)?;
        if picture.redundant_pic_cnt {
            bits.unsigned()?;
        }
        let references = read_references(&mut bits, picture, slice)?;
        skip_list_modifications(&mut bits, slice)?;
        let is_weighted = match slice {
            SliceType::P | SliceType::Sp => picture.weighted_pred,
            SliceType::B => picture.weighted_bipred_idc == 1,
            SliceType::I | SliceType::Si => false,
        };
        if is_weighted {
            let lists = if slice == SliceType::B { 2 } else { 1 };
            skip_weights(&mut bits, picture.sequence.has_chroma, &references[..lists])?;
        }
        if is_reference {
            skip_marking(&mut bits, is_idr)?;
        }
        if picture.entropy_coding_mode && !matches!(slice, SliceType::I | SliceType::Si) {
            bits.unsigned()?; // cabac_init_idc
        }
        bits.signed()?; // slice_qp_delta
        if slice == SliceType::Sp {
            bits.flag()?;
        }
        if matches!(slice, SliceType::Sp | SliceType::Si) {
            bits.signed()?; // slice_qs_delta
        }
        if picture.deblocking_filter_control && bits.unsigned()? != 1 {
            bits.signed()?;
            bits.signed()?;
        }
        Ok(bits.bytes_begun())
    }
}

impl SliceType {
    /// Table 7-6; 5 to 9 say the same of all slices of the picture.
    fn from_code(code: u32) -> Result<SliceType> {
        match code {
            0 | 5 => Ok(SliceType::P),
            1 | 6 => Ok(SliceType::B),
            2 | 7 => Ok(SliceType::I),
            3 | 8 => Ok(SliceType::Sp),
            4 | 9 => Ok(SliceType::Si),
            _ => Err(malformed(format!("The H.264 slice type {code}."))),
        }
    }
}

/// colour_plane_id to idr_pic_id; whether the slice is of a field.
fn skip_place(bits: &mut BitReader<'_>, picture: &Picture, is_idr: bool) -> Result<bool> {
    let sequence = picture.sequence;
    if sequence.separate_colour_planes {
        bits.bits(2)?;
    }
    bits.bits(sequence.frame_num_bits)?;
    let is_field = !sequence.frame_mbs_only && bits.flag()?;
    if is_field {
        bits.flag()?; // bottom_field_flag
    }
    if is_idr {
        bits.unsigned()?;
    }
    Ok(is_field)
}

fn skip_order(bits: &mut BitReader<'_>, picture: &Picture, is_field: bool) -> Result<()> {
    let has_bottom = picture.bottom_field_pic_order && !is_field;
    match picture.sequence.pic_order {
        PicOrder::Lsb { bits: count } => {
            bits.bits(count)?;
            if has_bottom {
                bits.signed()?;
            }
        }
        PicOrder::Deltas => {
            bits.signed()?;
            if has_bottom {
                bits.signed()?;
            }
        }
        PicOrder::None => {}
    }
    Ok(())
}

/// How many pictures each of the two lists refers to.
fn read_references(bits: &mut BitReader<'_>, picture: &Picture, slice: SliceType) -> Result<[u32; 2]> {
    let mut references = picture.references;
    if slice == SliceType::B {
        bits.flag()?; // direct_spatial_mv_pred_flag
    }
    if !matches!(slice, SliceType::I | SliceType::Si) && bits.flag()? {
        references[0] = bits.unsigned()?.saturating_add(1);
        if slice == SliceType::B {
            references[1] = bits.unsigned()?.saturating_add(1);
        }
    }
    if references.iter().any(|&count| count > REFERENCES_MAX) {
        return Err(malformed("A slice that refers to more than 32 pictures."));
    }
    Ok(references)
}

/// ref_pic_list_modification (7.3.3.1)
fn skip_list_modifications(bits: &mut BitReader<'_>, slice: SliceType) -> Result<()> {
    let lists = match slice {
        SliceType::I | SliceType::Si => 0,
        SliceType::P | SliceType::Sp => 1,
        SliceType::B => 2,
    };
    for _ in 0..lists {
        if bits.flag()? {
            while bits.unsigned()? != 3 {
                bits.unsigned()?;
            }
        }
    }
    Ok(())
}

/// pred_weight_table (7.3.3.2)
fn skip_weights(bits: &mut BitReader<'_>, has_chroma: bool, references: &[u32]) -> Result<()> {
    bits.unsigned()?;
    if has_chroma {
        bits.unsigned()?;
    }
    for &count in references {
        for _ in 0..count {
            let luma = if bits.flag()? { 2 } else { 0 };
            for _ in 0..luma {
                bits.signed()?;
            }
            let chroma = if has_chroma && bits.flag()? { 4 } else { 0 };
            for _ in 0..chroma {
                bits.signed()?;
            }
        }
    }
    Ok(())
}

/// dec_ref_pic_marking (7.3.3.3)
fn skip_marking(bits: &mut BitReader<'_>, is_idr: bool) -> Result<()> {
    if is_idr {
        bits.bits(2)?;
    } else if bits.flag()? {
        loop {
            let operands = match bits.unsigned()? {
                0 => return Ok(()),
                3 => 2,
                5 => 0,
                _ => 1,
            };
            for _ in 0..operands {
                bits.unsigned()?;
            }
        }
    }
    Ok(())
}

/// seq_parameter_set_data (7.3.2.1.1) up to frame_mbs_only_flag, with its id.
fn read_sequence(unit: &[u8]) -> Result<(u32, Sequence)> {
    let mut bits = BitReader::new(unit);
    bits.bits(8)?;
    let profile = bits.bits(8)?;
    bits.bits(16)?;
    let id = bits.unsigned()?;
    let (mut chroma_format, mut separate_colour_planes) = (1, false);
    if HIGH_PROFILES.contains(&profile) {
        chroma_format = bits.unsigned()?;
        separate_colour_planes = chroma_format == 3 && bits.flag()?;
        bits.unsigned()?; // bit_depth_luma_minus8
        bits.unsigned()?;
        bits.flag()?;
        if bits.flag()? {
            skip_scaling_matrix(&mut bits, if chroma_format == 3 { 12 } else { 8 })?;
        }
    }
    let frame_num_bits = bits.unsigned()?.saturating_add(4);
    let pic_order = match bits.unsigned()? {
        0 => PicOrder::Lsb { bits: bits.unsigned()?.saturating_add(4) },
        1 => read_order_cycle(&mut bits)?,
        _ => PicOrder::None,
    };
    if frame_num_bits > 16 || matches!(pic_order, PicOrder::Lsb { bits: 17.. }) {
        return Err(malformed("A sequence parameter set with counters of more than 16 bits."));
    }
    bits.unsigned()?; // max_num_ref_frames
    bits.flag()?;
    bits.unsigned()?; // pic_width_in_mbs_minus1
    bits.unsigned()?;
    let frame_mbs_only = bits.flag()?;
    let has_chroma = chroma_format != 0 && !separate_colour_planes;
    Ok((id, Sequence { separate_colour_planes, has_chroma, frame_num_bits, pic_order, frame_mbs_only }))
}

fn read_order_cycle(bits: &mut BitReader<'_>) -> Result<PicOrder> {
    let always_zero = bits.flag()?;
    bits.signed()?;
    bits.signed()?;
    for _ in 0..bits.unsigned()? {
        bits.signed()?;
    }
    Ok(if always_zero { PicOrder::None } else { PicOrder::Deltas })
}

fn skip_scaling_matrix(bits: &mut BitReader<'_>, lists: u32) -> Result<()> {
    for list in 0..lists {
        if !bits.flag()? {
            continue;
        }
        let (mut last, mut next) = (8, 8);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = (last + bits.signed()?.rem_euclid(256)) % 256;
            }
            last = if next == 0 { last } else { next };
        }
    }
    Ok(())
}

/// pic_parameter_set_rbsp (7.3.2.2) up to redundant_pic_cnt_present_flag, with its id.
fn read_picture(unit: &[u8], sequences: &BTreeMap<u32, Sequence>) -> Result<(u32, Picture)> {
    let mut bits = BitReader::new(unit);
    bits.bits(8)?;
    let id = bits.unsigned()?;
    let sequence = *sequences
        .get(&bits.unsigned()?)
        .ok_or_else(|| malformed("A picture parameter set without its sequence parameter set."))?;
    let entropy_coding_mode = bits.flag()?;
    let bottom_field_pic_order = bits.flag()?;
    if bits.unsigned()? != 0 {
        return Err(malformed("H.264 with several slice groups."));
    }
    let references = [bits.unsigned()?.saturating_add(1), bits.unsigned()?.saturating_add(1)];
    let weighted_pred = bits.flag()?;
    let weighted_bipred_idc = bits.bits(2)?;
    for _ in 0..3 {
        bits.signed()?; // pic_init_qp_minus26, pic_init_qs_minus26, chroma_qp_index_offset
    }
    let deblocking_filter_control = bits.flag()?;
    bits.flag()?;
    let redundant_pic_cnt = bits.flag()?;
    let picture = Picture {
        sequence,
        entropy_coding_mode,
        bottom_field_pic_order,
        references,
        weighted_pred,
        weighted_bipred_idc,
        deblocking_filter_control,
        redundant_pic_cnt,
    };
    Ok((id, picture))
}
