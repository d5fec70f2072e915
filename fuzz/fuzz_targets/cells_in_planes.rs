#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| skanrs_fuzz::cells_in_planes(data));
