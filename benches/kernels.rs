//! How long each kernel takes on a volume of 256³ voxels, with one thread and with all; `make bench-kernels`.

mod common;

use criterion::Criterion;
use skanrs::support::threads::{Pool, default_threads};

const SIZE: usize = 256;

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let mut threads = vec![1, default_threads()];
    threads.dedup();
    for (name, kernel) in common::kernels(SIZE) {
        let mut group = criterion.benchmark_group(name);
        for &count in &threads {
            let pool = Pool::take(count).expect("the system gives threads");
            let title = if count == 1 { "1 thread".to_owned() } else { format!("{count} threads") };
            group.bench_function(title, |bencher| bencher.iter(|| pool.install(&kernel)));
        }
        group.finish();
    }
    criterion.final_summary();
}
