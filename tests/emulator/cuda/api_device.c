/* SPDX-License-Identifier: MIT */
/* Initialisation, versions and the devices' properties: a small Ampere. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/emulator/cuda/driver.h"
#include "tests/emulator/cuda/finding.h"
#include "tests/emulator/faults.h"

enum { SMS = 4, SHARED_DEFAULT = 48 << 10, SHARED_OPT_IN = 163 << 10 };

/* Numbers in CUDA_VISIBLE_DEVICES, or UUIDs as emulated here; the list ends at the first
 * unknown one, as NVIDIA's does. */
static int visible_number(const char *word, int machine)
{
    int n;

    if (isdigit((unsigned char)*word)) {
        n = atoi(word);
        return n < machine ? n : -1;
    }
    if (sscanf(word, "GPU-e0a0e0a0-0000-0000-0000-%12x", &n) == 1)
        return n < machine ? n : -1;
    return -1;
}

static void find_devices(void)
{
    const char *visible = getenv("CUDA_VISIBLE_DEVICES");
    int machine = (int)setting(EMULATED_DEVICES, 1);

    machine = machine > DEVICES ? DEVICES : machine;
    driver.devices = 0;
    for (int i = 0; i < machine && !visible; i++)
        driver.physical[driver.devices++] = i;
    while (visible && *visible && driver.devices < DEVICES) {
        int n = visible_number(visible, machine);

        if (n < 0)
            break;
        driver.physical[driver.devices++] = n;
        visible += strcspn(visible, ",");
        visible += *visible == ',';
    }
}

CUresult CUDAAPI cuInit(unsigned int flags)
{
    ENTER(NEED_NOTHING);
    if (flags)
        return driver_leave(CUDA_ERROR_INVALID_VALUE);
    if (!driver.is_initialised)
        find_devices();
    driver.process = getpid();
    driver.is_initialised = driver.devices > 0;
    return driver_leave(driver.devices > 0 && !driver.is_lost ? CUDA_SUCCESS
                                                              : CUDA_ERROR_NO_DEVICE);
}

CUresult CUDAAPI cuDriverGetVersion(int *version)
{
    if (!version)
        return CUDA_ERROR_INVALID_VALUE;
    *version = (int)setting(EMULATED_INTERFACE, 13000);
    return CUDA_SUCCESS;
}

CUresult CUDAAPI cuDeviceGetCount(int *count)
{
    ENTER(NEED_INIT);
    *count = driver.devices;
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuDeviceGet(CUdevice *device, int ordinal)
{
    ENTER(NEED_INIT);
    if (ordinal < 0 || ordinal >= driver.devices)
        return driver_leave(CUDA_ERROR_INVALID_DEVICE);
    *device = ordinal;
    return driver_leave(CUDA_SUCCESS);
}

static bool device_check(CUdevice device)
{
    return device >= 0 && device < driver.devices;
}

CUresult CUDAAPI cuDeviceGetName(char *name, int size, CUdevice device)
{
    ENTER(NEED_INIT);
    if (!device_check(device))
        return driver_leave(CUDA_ERROR_INVALID_DEVICE);
    snprintf(name, (size_t)size, "%s",
             getenv(EMULATED_NAME) ? getenv(EMULATED_NAME) : "NVIDIA A0 emulated");
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuDeviceGetUuid(CUuuid *uuid, CUdevice device)
{
    ENTER(NEED_INIT);
    if (!device_check(device))
        return driver_leave(CUDA_ERROR_INVALID_DEVICE);
    memset(uuid->bytes, 0, sizeof uuid->bytes);
    memcpy(uuid->bytes, "\xe0\xa0\xe0\xa0", 4);
    uuid->bytes[15] = (char)driver.physical[device];
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuDeviceTotalMem(size_t *bytes, CUdevice device)
{
    ENTER(NEED_INIT);
    if (!device_check(device))
        return driver_leave(CUDA_ERROR_INVALID_DEVICE);
    *bytes = (size_t)setting(EMULATED_MEMORY_MB, 4096) << 20;
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuDeviceGetPCIBusId(char *id, int size, CUdevice device)
{
    ENTER(NEED_INIT);
    if (!device_check(device))
        return driver_leave(CUDA_ERROR_INVALID_DEVICE);
    snprintf(id, (size_t)size, "0000:%02X:00.0", 0xe0 + driver.physical[device]);
    return driver_leave(CUDA_SUCCESS);
}

CUresult CUDAAPI cuDeviceGetByPCIBusId(CUdevice *device, const char *id)
{
    int bus;

    ENTER(NEED_INIT);
    for (int d = 0; sscanf(id, "%*x:%x:00.0", (unsigned *)&bus) == 1 && d < driver.devices; d++)
        if (0xe0 + driver.physical[d] == bus) {
            *device = d;
            return driver_leave(CUDA_SUCCESS);
        }
    return driver_leave(CUDA_ERROR_INVALID_DEVICE);
}

CUresult CUDAAPI cuDeviceComputeCapability(int *major, int *minor, CUdevice device)
{
    ENTER(NEED_INIT);
    if (!device_check(device))
        return driver_leave(CUDA_ERROR_INVALID_DEVICE);
    *major = (int)setting(EMULATED_CAPABILITY, 80) / 10;
    *minor = (int)setting(EMULATED_CAPABILITY, 80) % 10;
    return driver_leave(CUDA_SUCCESS);
}

/* What is not named here is 0: no textures, clusters, tensor maps, IPC. */
static const struct attribute {
    CUdevice_attribute name;
    int value;
} attributes[] = {
    {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1024},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, 1024},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, 1024},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, 64},
    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, 0x7fffffff},
    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, 65535},
    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, 65535},
    {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, SHARED_DEFAULT},
    {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, SHARED_OPT_IN},
    {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, 164 << 10},
    {CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK, 1024},
    {CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY, 65536},
    {CU_DEVICE_ATTRIBUTE_WARP_SIZE, LANES},
    {CU_DEVICE_ATTRIBUTE_MAX_PITCH, 0x7fffffff},
    {CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK, 65536},
    {CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR, 65536},
    {CU_DEVICE_ATTRIBUTE_CLOCK_RATE, 1000000},
    {CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE, 1000000},
    {CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH, 256},
    {CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT, 512},
    {CU_DEVICE_ATTRIBUTE_GPU_OVERLAP, 1},
    {CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, SMS},
    {CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY, 1},
    {CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS, 1},
    {CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE, 4 << 20},
    {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, 2048},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR, 32},
    {CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT, 2},
    {CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING, 1},
    {CU_DEVICE_ATTRIBUTE_STREAM_PRIORITIES_SUPPORTED, 1},
    {CU_DEVICE_ATTRIBUTE_GLOBAL_L1_CACHE_SUPPORTED, 1},
    {CU_DEVICE_ATTRIBUTE_LOCAL_L1_CACHE_SUPPORTED, 1},
    {CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY, 1},
    {CU_DEVICE_ATTRIBUTE_CONCURRENT_MANAGED_ACCESS, 1},
    {CU_DEVICE_ATTRIBUTE_COMPUTE_PREEMPTION_SUPPORTED, 1},
    {CU_DEVICE_ATTRIBUTE_CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM, 1},
    {CU_DEVICE_ATTRIBUTE_HOST_REGISTER_SUPPORTED, 1},
    {CU_DEVICE_ATTRIBUTE_SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO, 2},
    {CU_DEVICE_ATTRIBUTE_ECC_ENABLED, 1},
};

/* What the test wants an attribute to be instead. */
static CUresult attribute_other(int *value, int name)
{
    const char *list = getenv(EMULATED_ATTRIBUTES), *other = NULL;

    for (; list && *list; list += strcspn(list, ","), list += *list == ',')
        if (*list == '*' || atoi(list) == name) {
            other = list + strcspn(list, "=") + 1;
            if (*list != '*')
                break;
        }
    if (other && *other == 'x')
        return CUDA_ERROR_INVALID_VALUE;
    if (other)
        *value = atoi(other);
    return CUDA_SUCCESS;
}

CUresult CUDAAPI cuDeviceGetAttribute(int *value, CUdevice_attribute name, CUdevice device)
{
    ENTER(NEED_INIT);
    if (!device_check(device))
        return driver_leave(CUDA_ERROR_INVALID_DEVICE);
    if (!value || name <= 0 || name >= CU_DEVICE_ATTRIBUTE_MAX)
        return driver_leave(CUDA_ERROR_INVALID_VALUE);
    *value = 0;
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
        if (attributes[i].name == name)
            *value = attributes[i].value;
    if (name == CU_DEVICE_ATTRIBUTE_PCI_BUS_ID)
        *value = 0xe0 + driver.physical[device];
    if (name == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
        *value = (int)setting(EMULATED_CAPABILITY, 80) / 10;
    if (name == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)
        *value = (int)setting(EMULATED_CAPABILITY, 80) % 10;
    return driver_leave(attribute_other(value, name));
}
