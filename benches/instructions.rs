//! One call of one kernel on one thread, for callgrind to count: `instructions NAME`; without a name it lists them.
//!
//! Callgrind is told to count inside [`measured`] only, so that making the input does not count.

mod common;

use skanrs::support::threads::Pool;

const SIZE: usize = 192;

#[inline(never)]
fn measured(kernel: &(dyn Fn() + Send + Sync)) {
    kernel();
}

fn main() {
    let Some(name) = std::env::args().nth(1) else {
        for (name, _) in common::kernels(SIZE) {
            println!("{name}");
        }
        return;
    };
    let found = common::kernels(SIZE).into_iter().find(|(kernel, _)| *kernel == name);
    let Some((_, kernel)) = found else { panic!("there is no kernel named {name:?}") };
    // Callgrind notices where each thread enters the function, so it is entered by the one that works.
    Pool::take(1).expect("the system gives a thread").install(|| measured(&*kernel));
}
