/* SPDX-License-Identifier: MIT */
/* Read from /sys/bus/pci (vendor 0x10de, display controllers), /proc/driver/nvidia and /dev. */
#include "devices/nvidia.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sysfs.h"

/* VGA and 3D controllers: class 0x03xxxx. */
static bool is_gpu(const char *root, const char *bus)
{
    char vendor[16], kind[16];

    return sysfs_line(root, vendor, sizeof vendor, "/sys/bus/pci/devices/%s/vendor", bus) &&
           strcmp(vendor, "0x10de") == 0 &&
           sysfs_line(root, kind, sizeof kind, "/sys/bus/pci/devices/%s/class", bus) &&
           strncmp(kind, "0x03", 4) == 0;
}

int nvidia_on_bus(const char *root)
{
    char path[400];
    struct dirent *entry;
    DIR *dir;
    int n = 0;

    snprintf(path, sizeof path, "%s/sys/bus/pci/devices", root);
    dir = opendir(path);
    while (dir && (entry = readdir(dir)))
        n += entry->d_name[0] != '.' && is_gpu(root, entry->d_name);
    if (dir)
        closedir(dir);
    return n;
}

/* "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat ...": the first word that
 * begins with a digit and has a dot; open modules say "... for x86_64  570.86.15 ...". */
bool nvidia_driver_version(const char *root, char *out, size_t size)
{
    char line[256], *word, *rest = line;

    if (sysfs_line(root, out, size, "/sys/module/nvidia/version"))
        return true;
    if (!sysfs_line(root, line, sizeof line, "/proc/driver/nvidia/version"))
        return false;
    while ((word = strtok_r(rest, " ", &rest)))
        if (*word >= '0' && *word <= '9' && strchr(word, '.')) {
            snprintf(out, size, "%s", word);
            return true;
        }
    return false;
}

static bool is_there(const char *root, const char *path, int mode)
{
    char whole[400];

    snprintf(whole, sizeof whole, "%s%s", root, path);
    return access(whole, mode) == 0;
}

bool nvidia_has_kernel_driver(const char *root)
{
    static const char *const way[] = {"/dev/nvidiactl", "/dev/dxg", "/dev/nvhost-gpu",
                                      "/dev/nvgpu/igpu0/as"};

    for (size_t i = 0; i < sizeof way / sizeof *way; i++)
        if (is_there(root, way[i], F_OK))
            return true;
    return false;
}

/* Has this process CAP_SYS_ADMIN? Root in a container often has not. */
static bool is_administrator(const char *root)
{
    enum { CAPABILITY = 21 }; /* CAP_SYS_ADMIN of <linux/capability.h> */
    char mask[32];

    return sysfs_value(root, "/proc/self/status", "CapEff", mask, sizeof mask) &&
           strtoull(mask, NULL, 16) >> CAPABILITY & 1;
}

/* The parameter came with driver 418.43; before it counters were everybody's. */
int nvidia_counters(const char *root, struct why *why)
{
    char value[32];

    if (!is_there(root, "/proc/driver/nvidia/params", F_OK))
        return why_fail(why, STATUS_UNAVAILABLE,
                        "NVIDIA's kernel driver is not loaded: there are none to read");
    if (!sysfs_value(root, "/proc/driver/nvidia/params", "RmProfilingAdminOnly", value,
                     sizeof value) || strcmp(value, "0") == 0)
        return why_fail(why, STATUS_OK, "the driver lets every user read them");
    if (is_administrator(root))
        return why_fail(why, STATUS_OK,
                        "the driver lets administrators read them, which this process is");
    return why_fail(why, STATUS_UNAVAILABLE,
                    "the driver lets administrators only read them (RmProfilingAdminOnly: %s); "
                    "hint: as root, or in a container with --cap-add SYS_ADMIN, or for all: echo "
                    "'options nvidia NVreg_RestrictProfilingToAdminUsers=0' | sudo tee "
                    "/etc/modprobe.d/nvidia-counters.conf, then reboot", value);
}

int nvidia_node(const char *root, const char *bus)
{
    double node = bus[0] ? sysfs_number(root, "/sys/bus/pci/devices/%s/numa_node", bus) : NAN;

    return node >= 0 ? (int)node : -1;
}

int nvidia_absent(const char *root, bool has_library, struct why *why)
{
    const char *visible = getenv("CUDA_VISIBLE_DEVICES");
    int gpus = nvidia_on_bus(root);

    if (!has_library && gpus == 0)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "no NVIDIA driver (libcuda.so.1), and no NVIDIA GPU on the PCI bus");
    if (!has_library)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "%d NVIDIA GPU%s on the PCI bus, but no driver library (libcuda.so.1); "
                        "hint: install NVIDIA's driver (Debian: nvidia-driver and libcuda1), or "
                        "start the container with --gpus all", gpus, gpus > 1 ? "s" : "");
    if (!nvidia_has_kernel_driver(root) && visible)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "CUDA_VISIBLE_DEVICES='%.80s' leaves no GPU in sight, and there is no kernel "
                        "driver (/dev/nvidiactl); hint: unset CUDA_VISIBLE_DEVICES; sudo modprobe "
                        "nvidia, or start the container with --gpus all", visible);
    if (!nvidia_has_kernel_driver(root))
        return why_fail(why, STATUS_UNAVAILABLE,
                        "the driver library is here, the kernel driver is not (/dev/nvidiactl); "
                        "hint: sudo modprobe nvidia, or start the container with --gpus all");
    if (is_there(root, "/dev/nvidiactl", F_OK) && !is_there(root, "/dev/nvidiactl", R_OK | W_OK))
        return why_fail(why, STATUS_UNAVAILABLE,
                        "no permission to use the GPU (/dev/nvidiactl); hint: sudo usermod -aG "
                        "video $USER, or make /dev/nvidia* readable and writable");
    if (visible)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "CUDA_VISIBLE_DEVICES='%.80s' hides every GPU; hint: unset "
                        "CUDA_VISIBLE_DEVICES", visible);
    return why_fail(why, STATUS_UNAVAILABLE,
                    "NVIDIA's driver finds no CUDA GPU (%d on the PCI bus); hint: nvidia-smi and "
                    "dmesg | grep NVRM say more", gpus);
}
