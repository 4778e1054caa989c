//! An array of any shape arrives with its shape.
#![cfg(feature = "ndarray")]

mod common {
    pub(crate) mod parcel;
    pub(crate) mod watchdog;
}

use common::parcel::arrive;
use common::watchdog::watchdog;
use mp_handle::Parcel;
use mp_process::spawn;
use mp_shm::{RegionError, SharedArray};
use ndarray::{Array, ArrayD, Axis, Ix0, Ix1, Ix2, Ix3, IxDyn, ShapeBuilder, arr0, array, s};

#[test]
fn smoke() {
    let shared = SharedArray::from_array(&array![[1, 2, 3], [4, 5, 6]]).unwrap();
    let here: SharedArray<i32, Ix2> = arrive(&shared);
    here.lock().unwrap().view_mut().row_mut(1).fill(0);
    assert_eq!(shared.lock().unwrap().view(), array![[1, 2, 3], [0, 0, 0]]);
    assert_eq!(here.shape(), [2, 3]);
}

#[mp_process::test]
fn processes_work_on_views_without_a_copy() {
    let _watchdog = watchdog();
    let cube = SharedArray::<f64, Ix3>::zeros((4, 5, 6)).unwrap();
    let fill = |cube: SharedArray<f64, Ix3>, layer: usize| {
        cube.lock().unwrap().view_mut().index_axis_mut(Axis(0), layer).fill(layer as f64);
    };
    let children: Vec<_> =
        (0..4).map(|layer| spawn(fill, (cube.clone(), layer)).unwrap()).collect();
    children.into_iter().for_each(|child| child.join().unwrap());
    let guard = cube.lock().unwrap();
    assert_eq!(guard.view().sum(), 30.0 * 6.0);
    assert!(guard.view().slice(s![3, .., ..]).iter().all(|&element| element == 3.0));
}

#[test]
fn the_order_of_the_elements_travels() {
    let columns = SharedArray::<u8, Ix2>::zeros((2, 3).f()).unwrap();
    columns.lock().unwrap().view_mut()[[1, 0]] = 9;
    let here: SharedArray<u8, IxDyn> = arrive_as(&columns);
    let guard = here.lock().unwrap();
    assert_eq!(guard.view().strides(), [1, 2]);
    assert_eq!(guard.view()[[1, 0]], 9);
    assert_eq!(guard.view().as_slice_memory_order().unwrap()[1], 9);
}

/// Arrives as the same kind of handle, but of another number of dimensions.
fn arrive_as<D: ndarray::Dimension>(shared: &SharedArray<u8, Ix2>) -> SharedArray<u8, D> {
    Parcel::encode(shared).unwrap().decode().unwrap()
}

#[test]
fn what_is_not_contiguous_is_copied_in_its_order() {
    let wide = Array::from_shape_fn((4, 4), |(row, column)| 10 * row + column);
    let part = wide.slice(s![..;2, 1..;-2]);
    let shared = SharedArray::from_array(&part).unwrap();
    assert_eq!(shared.lock().unwrap().view(), part);
    let turned = SharedArray::from_array(&wide.t()).unwrap();
    assert_eq!(turned.lock().unwrap().view(), wide.t());
}

#[test]
fn any_number_of_dimensions_up_to_fourteen() {
    let point = SharedArray::from_array(&arr0(5)).unwrap();
    assert_eq!(arrive::<SharedArray<i32, Ix0>>(&point).lock().unwrap().view()[()], 5);
    let many = ArrayD::<u8>::ones(vec![1; 14]);
    let many = arrive(&SharedArray::from_array(&many).unwrap());
    assert_eq!(many.lock().unwrap().view().ndim(), 14);
    let error = SharedArray::<u8, IxDyn>::zeros(vec![1; 15]).unwrap_err();
    assert!(matches!(error, RegionError::TooLarge { .. }), "{error}");
}

#[test]
fn arrays_without_elements_have_a_shape_too() {
    for shape in [[0, 0], [0, 7], [3, 0]] {
        let empty = arrive(&SharedArray::<u32, Ix2>::zeros(shape).unwrap());
        assert_eq!(empty.shape(), shape);
        assert!(empty.lock().unwrap().view_mut().is_empty());
    }
    assert_eq!(SharedArray::<u8, Ix1>::zeros(0).unwrap().shape(), [0]);
}

#[test]
fn what_cannot_be_had_or_addressed_is_an_error() {
    let shapes = [(usize::MAX, 2), (1 << 40, 1 << 40), (0, usize::MAX), (1 << 25, 1 << 25)];
    for shape in shapes {
        let error = SharedArray::<f64, Ix2>::zeros(shape).unwrap_err();
        assert!(matches!(error, RegionError::TooLarge { .. } | RegionError::NoMemory { .. }));
    }
}

#[test]
fn another_number_of_dimensions_is_an_error_that_names_both() {
    let name = format!("dimensions-{}", std::process::id());
    let _created = SharedArray::<f64, Ix2>::create(&name, (2, 3)).unwrap();
    let error = SharedArray::<f64, Ix3>::open(&name).unwrap_err().to_string();
    assert!(error.contains("of 3 dimensions") && error.contains("one of 2"), "{error}");
    let error = SharedArray::<f32, Ix2>::open(&name).unwrap_err();
    assert!(matches!(error, RegionError::Fingerprint { .. }), "{error}");
    let opened = SharedArray::<f64, IxDyn>::open(&name).unwrap();
    assert_eq!(opened.shape(), [2, 3]);
    SharedArray::<f64, Ix2>::unlink(&name).unwrap();
}

#[test]
fn any_words_in_the_shape_are_an_error_or_a_shape_of_all_elements() {
    use std::os::unix::fs::FileExt;
    let name = format!("shapes-{}", std::process::id());
    let _created = SharedArray::<u16, Ix2>::create(&name, (4, 6)).unwrap();
    let path = format!("/dev/shm/mp.{name}");
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    let numbers = [0, 1, 2, 3, 4, 6, 12, 14, 15, 24, 1 << 33, u64::MAX, u64::MAX / 2 + 1];
    for word in 0..4_u64 {
        for number in numbers {
            // The shape lies behind the header and the count.
            let good = [2_u64, 0, 4, 6];
            for (at, value) in good.into_iter().enumerate() {
                let value = if at as u64 == word { number } else { value };
                file.write_all_at(&value.to_ne_bytes(), 128 + 8 * at as u64).unwrap();
            }
            if let Ok(opened) = SharedArray::<u16, IxDyn>::open(&name) {
                assert_eq!(opened.lock().unwrap().view().len(), 24);
            }
        }
    }
    SharedArray::<u16, Ix2>::unlink(&name).unwrap();
}
