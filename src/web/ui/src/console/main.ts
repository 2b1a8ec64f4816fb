import { mount } from 'svelte';
import '../app.css';
import '../lib/theme.svelte';
import Console from './Console.svelte';

const target = document.getElementById('app');
if (target) mount(Console, { target });
