//! Makes a tree of files as a CMS has them: many small ones, few big ones, the same ones every time.

use std::fs;
use std::path::Path;

use crate::noise::{Noise, binary, text};

/// Makes `count` files of about `bytes` in all below `root`, unless they are there already. Every other one is text.
pub fn make(root: &Path, bytes: u64, count: u64) {
    let done = root.join("website/done");
    if done.exists() {
        return;
    }
    let mut noise = Noise(0x2545_f491_4f6c_dd1d);
    let raw: Vec<u64> = (0..count).map(|_| raw_size(&mut noise)).collect();
    let sum: u64 = raw.iter().sum();
    for (number, raw) in (0..count).zip(raw) {
        let size = usize::try_from(u128::from(raw) * u128::from(bytes) / u128::from(sum)).unwrap();
        let is_text = number % 2 == 0;
        let (workspace, ending) = if is_text {
            ("website", "xml")
        } else {
            ("dam", "jpg")
        };
        let folder = root
            .join(workspace)
            .join(format!("{:02}/{:03}", number % 40, number / 160));
        fs::create_dir_all(&folder).unwrap();
        let content = if is_text {
            text(&mut noise, size)
        } else {
            binary(&mut noise, size)
        };
        fs::write(folder.join(format!("{number:06}.{ending}")), content).unwrap();
    }
    fs::write(done, "").unwrap();
}

/// Most files are small, and most bytes are in big ones.
fn raw_size(noise: &mut Noise) -> u64 {
    match noise.below(1000) {
        0..600 => 200 + noise.below(8_000),
        600..900 => 8_000 + noise.below(56_000),
        900..995 => 64_000 + noise.below(340_000),
        _ => 1_000_000 + noise.below(7_000_000),
    }
}
