"""Points at full size without a GPU: the same code on test/oracle's pretended one, which counts storages and computes nothing.

It proves the procedure (phases, batches, settings) at the sizes that will be measured, and gives the reader records of true shape.
Nothing it writes is a measurement: `device` says `fake`, and the reader leaves such records out.
"""
import training


def measure(point, meter):
    from fake_cuda import F, FakeMode, attention_as_cuda, patch_cuda, patch_module_apply, torch, watch_storage

    patch_cuda()
    patch_module_apply()
    F.scaled_dot_product_attention = attention_as_cuda
    import transformers.masking_utils as masks

    masks.find_packed_sequence_indices = lambda *_, **__: None  # It reads values.
    import torch.distributed._tools.fake_collectives  # noqa: F401  (meta kernels of the collectives)

    world = point["world"]
    if world > 1:
        import sharding

        sharding.start_ranks(world)
        mesh = sharding.mesh_of(point, meter.device)  # It looks at numbers, which are not there later.
        sharding.start_ranks, sharding.mesh_of = lambda *_, **__: None, lambda *_: mesh
    watch_storage(meter.counter)
    with FakeMode(allow_non_fake_inputs=True), meter.counter:
        return training.measure(point, meter)
