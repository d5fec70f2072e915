//! Images: their elements, their voxels as bits and as linear indices, and the neighbourhoods of voxels.

pub mod bit_image;
pub mod elements;
pub mod foreground;
pub mod indices;
pub mod label_words;
pub mod mask_rows;
mod mask_words;
pub mod neighbourhood;
pub mod one_label;
pub mod word_shape;
